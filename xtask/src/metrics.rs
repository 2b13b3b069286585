//! Prometheus' text format, read.
use std::collections::BTreeMap;

/// The samples of one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Reads a scrape; comments and what is malformed are passed over.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self { samples: lines.filter_map(Sample::parse).collect() }
    }

    /// The sum of all samples of a metric whose labels have all the given values; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).map(|sample| sample.value).sum()
    }

    /// Whether there is any such sample.
    pub fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.matching(name, labels).next().is_some()
    }

    /// The sum for each value of one label.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.matching(name, &[]) {
            *sums.entry(sample.labels.get(label).cloned().unwrap_or_default()).or_default() += sample.value;
        }
        sums
    }

    fn matching<'a>(&'a self, name: &'a str, labels: &'a [(&str, &str)]) -> impl Iterator<Item = &'a Sample> {
        let has = |sample: &Sample, (label, value): &(&str, &str)| {
            sample.labels.get(*label).is_some_and(|known| known == value)
        };
        self.samples
            .iter()
            .filter(move |sample| sample.name == name && labels.iter().all(|label| has(sample, label)))
    }
}

impl Sample {
    /// `name{label="value",…} number [timestamp]`
    fn parse(line: &str) -> Option<Self> {
        let name_end = line.find(['{', ' '])?;
        let (name, mut rest) = line.split_at(name_end);
        let mut labels = BTreeMap::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            loop {
                rest = rest.trim_start_matches([',', ' ']);
                if let Some(after) = rest.strip_prefix('}') {
                    rest = after;
                    break;
                }
                let (label, quoted) = rest.split_once("=\"")?;
                let (value, after) = unquote(quoted)?;
                labels.insert(label.to_owned(), value);
                rest = after;
            }
        }
        let value = rest.split_whitespace().next()?.parse().ok()?;
        Some(Self { name: name.to_owned(), labels, value })
    }
}

/// The text up to the closing quote, its escapes resolved, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_labels() {
        let metrics = Metrics::parse(concat!(
            "# HELP requests_total all\n",
            "requests_total{verb=\"PATCH\",kind=\"A\"} 3\n",
            "requests_total{verb=\"PATCH\", kind=\"B,\\\"}\"} 4 1700000000\n",
            "requests_total{verb=\"GET\",kind=\"A\"} 1e1\n",
            "up 1\n",
            "nonsense\n",
        ));
        let check = |name: &str, labels: &[(&str, &str)], want: f64| {
            let got = metrics.sum(name, labels);
            assert!((got - want).abs() < 1e-9, "{name} {labels:?}: {got}");
        };
        check("requests_total", &[("verb", "PATCH")], 7.0);
        check("requests_total", &[("verb", "PATCH"), ("kind", "B,\"}")], 4.0);
        check("requests_total", &[], 17.0);
        check("requests_total", &[("nope", "x")], 0.0);
        check("up", &[], 1.0);
        assert!(!metrics.has("down", &[]));
        let by: Vec<(String, f64)> = metrics.by("requests_total", "verb").into_iter().collect();
        assert_eq!(by, [("GET".to_owned(), 10.0), ("PATCH".to_owned(), 7.0)]);
    }
}
