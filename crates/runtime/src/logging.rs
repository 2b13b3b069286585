//! Logs on standard error, as text or as JSON, one line an event.
//!
//! Field names are the same everywhere: `app`, `namespace`, `cluster`, `source.url`, `revision`, `object`, `plan`, `error`.
//! Messages are short; what varies is in fields.

use std::io;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line, fields at the top.
    Json,
}

impl FromStr for LogFormat {
    type Err = LoggingError;

    fn from_str(text: &str) -> Result<Self, LoggingError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LoggingError::Format),
        }
    }
}

/// Why logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The format is not known.
    #[error("the log format must be text or json")]
    Format,
    /// The filter cannot be read.
    #[error(
        "the log filter must be a level (error, warn, info, debug, trace) or a list such as info,lockstep=debug"
    )]
    Filter,
    /// Something else already logs in this process.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Sends the log of the whole process to standard error. `filter` is a level, or levels by target as `tracing` takes them.
/// A level alone speaks of our own crates; of the libraries only warnings come through, since HTTP alone would drown them.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    tracing::subscriber::set_global_default(subscriber(format, filter, io::stderr)?)
        .map_err(|_| LoggingError::AlreadySet)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LoggingError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let filter = match levels.contains(&filter) {
        true => format!("warn,lockstep={filter}"),
        false => filter.to_owned(),
    };
    let filter = EnvFilter::try_new(filter).map_err(|_| LoggingError::Filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    Ok(match format {
        LogFormat::Text => Box::new(builder.finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).with_current_span(false).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(format, filter, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(app = "team/shop", "source.url" = "https://h/x", "fetched");
            tracing::debug!("quiet");
            tracing::info!(target: "hyper::client", "noise");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_has_its_fields_at_the_top() {
        let text = logged(LogFormat::Json, "info");
        assert_eq!(text.lines().count(), 1, "{text}");
        let event = lockstep_core::from_json(text.as_bytes()).unwrap();
        for (field, value) in
            [("app", "team/shop"), ("source.url", "https://h/x"), ("message", "fetched"), ("level", "INFO")]
        {
            assert_eq!(event.str_at(&[field]), Some(value), "{text}");
        }
    }

    #[test]
    fn text_has_them_too_and_the_filter_counts() {
        let text = logged(LogFormat::Text, "debug");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("fetched") && text.contains("team/shop"), "{text}");
        assert_eq!(logged(LogFormat::Text, "error"), "");
    }

    #[test]
    fn formats_and_filters_are_checked() {
        assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
        assert!("xml".parse::<LogFormat>().is_err());
        assert!(subscriber(LogFormat::Text, "lockstep=loud", io::sink).is_err());
    }
}
