//! The product's controller as a process under test.
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::metrics::Metrics;

/// How it is started.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// The cluster.
    pub kubeconfig: PathBuf,
    /// Its name: several share a cluster under different ones.
    pub instance: String,
    /// Its own namespace, where it keeps records.
    pub namespace: String,
    /// The namespaces whose Applications are its business; empty: all.
    pub watched: Vec<String>,
    /// Where it keeps what it may lose.
    pub state: PathBuf,
    /// How often it looks at a repository unasked.
    pub poll: Duration,
    /// Further flags.
    pub flags: Vec<String>,
}

/// A running `lockstep controller`. Ends with its value; where the test fails, its log is shown.
#[derive(Debug)]
pub struct Controller {
    binary: PathBuf,
    options: ControllerOptions,
    address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Controller {
    /// Starts it with a free port of its own.
    ///
    /// # Errors
    /// When the program cannot be started. It may still end at once: see [`Controller::wait_ready`].
    pub fn start(binary: &Path, options: ControllerOptions) -> Result<Self> {
        std::fs::create_dir_all(&options.state)?;
        let log = options.state.join("controller.log");
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = spawn(binary, &options, address, &log)?;
        Ok(Self { binary: binary.to_path_buf(), options, address, child, log })
    }

    /// Waits until `/readyz` answers 200 and returns how long that took from now.
    ///
    /// # Errors
    /// When it ended, or the time is over.
    pub fn wait_ready(&mut self, within: Duration) -> Result<Duration> {
        let start = Instant::now();
        loop {
            if self.get("/readyz").is_ok_and(|(status, _)| status == 200) {
                return Ok(start.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the controller ended with {status}:\n{}", self.log_end());
            }
            ensure!(
                start.elapsed() < within,
                "the controller is not ready after {within:?}:\n{}",
                self.log_end()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells it about a push, as a forge would.
    ///
    /// # Errors
    /// When it answers anything but 202.
    pub fn refresh(&self, url: &str) -> Result<()> {
        let body = serde_json::json!({ "url": url }).to_string();
        let (status, answer) = self.post("/v1/refresh", &body)?;
        ensure!(status == 202, "POST /v1/refresh: {status} {answer}");
        Ok(())
    }

    /// Its metrics now.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn metrics(&self) -> Result<Metrics> {
        let (status, text) = self.get("/metrics")?;
        ensure!(status == 200, "GET /metrics: {status}");
        Ok(Metrics::parse(&text))
    }

    /// The status and body of a GET on its address.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        exchange(self.address, "GET", path, "")
    }

    /// The status and body of a POST on its address.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn post(&self, path: &str, body: &str) -> Result<(u16, String)> {
        exchange(self.address, "POST", path, body)
    }

    /// Its name, as [`ControllerOptions::instance`] gave it.
    pub fn instance(&self) -> &str {
        &self.options.instance
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it and its predecessors under this value have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill9(&mut self) -> Result<()> {
        // One that is gone already is what we want.
        let _ = self.child.kill();
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// When it has not within the given time; then it is killed.
    pub fn terminate(&mut self, within: Duration) -> Result<ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("process id")?;
        // One that is gone already is what we want.
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill9()?;
        bail!("the controller did not stop within {within:?}:\n{}", self.log_end())
    }

    /// Starts it again after [`Controller::kill9`] or [`Controller::terminate`], on the same address.
    ///
    /// # Errors
    /// As [`Controller::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.kill9()?;
        self.child = spawn(&self.binary, &self.options, self.address, &self.log)?;
        Ok(())
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.kill9();
        if std::thread::panicking() {
            eprintln!(
                "--- the end of the controller's log ({})\n{}\n---",
                self.options.instance,
                self.log_end()
            );
        }
    }
}

fn spawn(binary: &Path, options: &ControllerOptions, address: SocketAddr, log: &Path) -> Result<Child> {
    let log: File = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new(binary);
    command
        .args(["controller", "--instance", &options.instance, "--namespace", &options.namespace])
        .args(["--listen", &address.to_string(), "--poll", &format!("{}ms", options.poll.as_millis())])
        .arg("--kubeconfig")
        .arg(&options.kubeconfig)
        .arg("--state")
        .arg(&options.state);
    if !options.watched.is_empty() {
        command.args(["--namespaces", &options.watched.join(",")]);
    }
    command.args(&options.flags).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.env_remove("KUBECONFIG").spawn().with_context(|| binary.display().to_string())
}

/// One request of HTTP/1.1 on a connection of its own: status and body.
fn exchange(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
    let patience = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).context("no status")?;
    match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => Ok((status, unchunk(body))),
        false => Ok((status, body.to_owned())),
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        whole.push_str(chunk);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        assert_eq!(unchunk("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), "abcd");
        assert_eq!(unchunk("0\r\n\r\n"), "");
    }

    #[test]
    fn a_program_that_ends_at_once_is_told_with_its_log() {
        let dir = tempfile::tempdir().expect("dir");
        let options = ControllerOptions {
            kubeconfig: "none".into(),
            instance: "i".into(),
            namespace: "n".into(),
            watched: Vec::new(),
            state: dir.path().join("state"),
            poll: Duration::from_secs(60),
            flags: Vec::new(),
        };
        // `ls` refuses our flags, and says so.
        let mut controller = Controller::start(Path::new("/bin/ls"), options).expect("start");
        let error = controller.wait_ready(Duration::from_secs(10)).expect_err("it is no controller");
        assert!(error.to_string().contains("--instance"), "{error}");
    }
}
