//! `lockstep install`

use std::sync::Arc;

use crate::argument;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Print everything that a cluster needs to run the controller, for `kubectl apply -f -`.
#[derive(Debug, clap::Args)]
pub(crate) struct Install {
    /// The namespace of the controller.
    #[arg(short, long, default_value = "lockstep-system", value_name = "NAME", value_parser = argument::namespace)]
    namespace: String,
    /// The name of the installation, which is also its field manager.
    #[arg(long, default_value = "lockstep", value_name = "NAME", value_parser = argument::instance)]
    instance: Arc<str>,
    /// The container image.
    #[arg(long, default_value = concat!("lockstep:", env!("CARGO_PKG_VERSION")))]
    image: String,
}

impl Install {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let Self { namespace, instance, image } = self;
        let objects = api::install(&api::Install { namespace, instance: instance.to_string(), image });
        terminal.out.write_all(manifest::yaml(&objects).as_bytes())?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;
    use crate::exit::Exit;
    use crate::terminal::tests::run;

    #[test]
    fn names_that_a_cluster_would_refuse_are_refused() {
        for (flag, value) in
            [("-n", "A"), ("-n", ""), ("-n", "a-"), ("--instance", "a:b"), ("--instance", "")]
        {
            assert!(Cli::try_parse_from(["lockstep", "install", flag, value]).is_err(), "{flag} {value:?}");
        }
    }

    #[test]
    fn what_is_printed_can_be_read_back() {
        let (exit, out, err) = run(&["install", "-n", "here", "--image", "r.example/l:2"]);
        assert_eq!((exit, &*err), (Exit::Success, ""));
        let parsed = manifest::read("install.yaml", out.as_bytes(), &manifest::Limits::default());
        assert_eq!(parsed.findings, []);
        let options = api::Install {
            namespace: "here".to_owned(),
            instance: "lockstep".to_owned(),
            image: "r.example/l:2".to_owned(),
        };
        let read: Vec<_> = parsed.objects.into_iter().map(|object| object.value).collect();
        assert_eq!(read, api::install(&options));
    }
}
