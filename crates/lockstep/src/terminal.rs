//! Standard output and standard error.

use std::io::{self, IsTerminal, Write};

use annotate_snippets::{Level, Renderer};

use crate::cli::Color;
use crate::hint::hint;
use crate::paint::Paint;

/// Where a command writes.
pub(crate) struct Terminal {
    /// What was asked for.
    pub(crate) out: Box<dyn Write>,
    /// What is wrong.
    pub(crate) err: Box<dyn Write>,
    /// How `out` is coloured.
    pub(crate) paint: Paint,
    style: Style,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Coloured,
}

impl Terminal {
    /// Those of the process. Diagnostics are coloured if standard error is a terminal and NO_COLOR is not set.
    pub(crate) fn of_process(color: Color) -> Self {
        #[allow(clippy::disallowed_methods)] // the binary is where the environment is read
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let coloured = |is_terminal: bool| match color {
            Color::Auto => is_terminal && !refused,
            Color::Always => !refused,
            Color::Never => false,
        };
        let style = if coloured(io::stderr().is_terminal()) { Style::Coloured } else { Style::Plain };
        let paint = if coloured(io::stdout().is_terminal()) { Paint::Coloured } else { Paint::Plain };
        Self { out: Box::new(io::stdout().lock()), err: Box::new(io::stderr()), paint, style }
    }

    /// Asks a question that is answered with yes or no. Where nobody can answer, `flag` has to be given instead.
    pub(crate) fn confirm(&mut self, question: &str, flag: &str) -> anyhow::Result<bool> {
        anyhow::ensure!(io::stdin().is_terminal(), "nobody can be asked here: give {flag}");
        write!(self.err, "{question} [y/N] ")?;
        self.err.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(&*answer.trim().to_lowercase(), "y" | "yes"))
    }

    /// How diagnostics are drawn.
    pub(crate) fn renderer(&self) -> Renderer {
        match self.style {
            Style::Coloured => Renderer::styled(),
            Style::Plain => Renderer::plain(),
        }
    }

    /// Tells what stopped a command, with its causes.
    pub(crate) fn error(&mut self, error: &anyhow::Error) {
        let title = Level::ERROR.primary_title(error.to_string());
        let causes = causes(error).into_iter().map(|cause| Level::NOTE.message(cause));
        let hint = hint(error).map(|hint| Level::HELP.message(hint));
        let report = self.renderer().render(&[title.elements(causes).elements(hint)]);
        // Where standard error cannot be written there is nobody left to tell.
        let _ = writeln!(self.err, "{report}");
    }
}

/// The causes of an error. Some libraries repeat in an error what its cause says.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut told = vec![error.to_string()];
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if told.last().is_none_or(|before| !before.ends_with(&*cause)) {
            told.push(cause);
        }
    }
    told.split_off(1)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use clap::Parser;

    use super::*;
    use crate::cli::Cli;
    use crate::exit::Exit;

    #[derive(Clone, Default)]
    struct Pipe(Arc<Mutex<Vec<u8>>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Pipe {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let error =
            anyhow::anyhow!("no such file").context("cannot read x: no such file").context("cannot start");
        assert_eq!(causes(&error), ["cannot read x: no such file"]);
        let error = anyhow::anyhow!("no such file").context("cannot read x");
        assert_eq!(causes(&error), ["no such file"]);
    }

    /// Runs `lockstep` with these arguments: how it ended, standard output, standard error.
    pub(crate) fn run(args: &[&str]) -> (Exit, String, String) {
        let (out, err) = (Pipe::default(), Pipe::default());
        let mut terminal = Terminal {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            paint: Paint::Plain,
            style: Style::Plain,
        };
        let cli = Cli::try_parse_from([&["lockstep"], args].concat()).unwrap();
        let exit = cli.run(&mut terminal);
        (exit, out.text(), err.text())
    }
}
