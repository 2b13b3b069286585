//! `lockstep version`

use crate::exit::Exit;
use crate::terminal::Terminal;

/// Print the version.
#[derive(Debug, clap::Args)]
pub(crate) struct Version {}

impl Version {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        writeln!(terminal.out, "lockstep {}", env!("CARGO_PKG_VERSION"))?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::terminal::tests::run;

    #[test]
    fn the_version_is_one_line() {
        let (exit, out, err) = run(&["version"]);
        assert_eq!((exit, &*err), (Exit::Success, ""));
        assert_eq!(out, format!("lockstep {}\n", env!("CARGO_PKG_VERSION")));
    }
}
