//! What is random in a store: uids and generated names. The same seed gives the same.

use std::hash::{Hash, Hasher};

/// A generator of random numbers (SplitMix64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance(u64);

/// The letters of generated names, as k8s.io/apimachinery has them: no vowels, nothing that looks like another.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// How much of `generateName` is kept, and how many letters follow.
const BASE: usize = 63 - 5;
const SUFFIX: usize = 5;

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// What it is after a request that began with `before` and ended with `after`. Others may have been answered while that one
    /// waited: then neither may come again.
    pub(crate) fn gone_on(self, before: Self, after: Self) -> Self {
        if self == before {
            return after;
        }
        let (mut ours, mut theirs) = (self, after);
        Self(ours.next().rotate_left(1) ^ theirs.next())
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A UUID of version 4.
    pub(crate) fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            8 + (low >> 62),
            low >> 48 & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }

    /// A name for `generateName`.
    pub(crate) fn name(&mut self, base: &str) -> String {
        let mut name: String = match base.len() > BASE {
            true => {
                base.char_indices().take_while(|(at, c)| at + c.len_utf8() <= BASE).map(|(_, c)| c).collect()
            }
            false => base.to_owned(),
        };
        for _ in 0..SUFFIX {
            let index = self.below(LETTERS.len() as u64);
            name.push(char::from(LETTERS[usize::try_from(index).unwrap_or(0)]));
        }
        name
    }
}

/// A number that is the same for the same content, on every machine.
#[derive(Debug)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(content: &impl Hash) -> u64 {
        let mut hasher = Self(0xcbf2_9ce4_8422_2325);
        content.hash(&mut hasher);
        hasher.finish()
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_of_version_four_and_differ() {
        let mut chance = Chance::new(1);
        let (a, b) = (chance.uid(), chance.uid());
        assert_ne!(a, b);
        for uid in [a, b] {
            assert_eq!(uid.len(), 36);
            assert_eq!(&uid[14..15], "4");
            assert!("89ab".contains(&uid[19..20]), "{uid}");
        }
    }

    #[test]
    fn what_uses_no_chance_takes_none_away() {
        let start = Chance::new(1);
        let (mut after, mut other) = (start, Chance::new(2));
        after.uid();
        assert_eq!(start.gone_on(start, start), start);
        assert_eq!(start.gone_on(start, after), after);
        other.uid();
        let mut both = other.gone_on(start, after);
        assert!(![start, after, other].contains(&both));
        // Two in a row that use none.
        both = both.gone_on(both, both);
        assert_ne!(both.uid(), Chance::new(0).uid());
    }

    #[test]
    fn names_have_five_letters_more_and_at_most_63() {
        let mut chance = Chance::new(1);
        assert_eq!(chance.name("job-").len(), 9);
        assert_eq!(chance.name(&"a".repeat(80)).len(), 63);
        assert_ne!(chance.name("a-"), chance.name("a-"));
    }
}
