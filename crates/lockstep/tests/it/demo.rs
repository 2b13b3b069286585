//! `lockstep demo` as a process, on a machine that has nothing else.
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Far beyond what any of it takes.
const LONG: Duration = Duration::from_secs(60);

fn demo(arguments: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.env_clear().env("TMPDIR", temporary).arg("demo").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How it ended by itself.
fn ended(command: &mut Command) -> Output {
    let mut child = command.spawn().expect("demo");
    let status = wait(&mut child);
    let output = child.wait_with_output().expect("output");
    assert_eq!(output.status, status);
    output
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().expect("kill");
            panic!("it never ends: {:?}", child.wait());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).expect("directory").next().is_none()
}

#[test]
fn with_nothing_in_its_environment_it_ends_synced_and_leaves_nothing() {
    let place = tempfile::tempdir().expect("directory");
    let output = ended(&mut demo(&["--exit-when-synced"], place.path()));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for name in ["greeting", "store", "team", "web"] {
        let line = said.lines().rfind(|line| line.starts_with(name)).unwrap_or_default();
        assert!(line.contains("Synced at ") && line.ends_with("Healthy"), "{said}");
    }
    assert!(is_empty(place.path()), "{said}");
}

#[test]
fn one_that_is_kept_goes_on_after_a_commit_and_is_not_put_among_files_of_others() {
    let place = tempfile::tempdir().expect("directory");
    let kept = place.path().join("kept");
    let arguments = ["--exit-when-synced", "--keep", kept.to_str().expect("path")];
    let first = ended(&mut demo(&arguments, place.path()));
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let greeting = kept.join("repository/greeting/greeting.yaml");
    let edited = std::fs::read_to_string(&greeting).expect("greeting").replace("hello", "ahoy");
    std::fs::write(&greeting, edited).expect("edit");
    let committed = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qam", "Say ahoy"])
        .current_dir(kept.join("repository"))
        .status();
    assert!(committed.expect("git").success());
    let second = ended(&mut demo(&arguments, place.path()));
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stderr));
    let said = text(&second.stdout);
    assert!(said.contains("“Say ahoy”") && said.contains("“Say hello”"), "{said}");

    std::fs::write(place.path().join("notes"), "mine").expect("file");
    let refused =
        ended(&mut demo(&["--exit-when-synced", "--keep", place.path().to_str().expect("path")], &kept));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is not empty, and no demo was kept there"));
}

#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let place = tempfile::tempdir().expect("directory");
        let mut child = demo(&[], place.path()).spawn().expect("demo");
        let deadline = Instant::now() + LONG;
        // Its folder names its process once it serves.
        while !std::fs::read_dir(place.path())
            .expect("directory")
            .flatten()
            .any(|entry| entry.path().join("kubeconfig").is_file())
        {
            assert!(Instant::now() < deadline, "it never starts");
            std::thread::sleep(Duration::from_millis(10));
        }
        signal(&child, name);
        let status = wait(&mut child);
        let output = child.wait_with_output().expect("output");
        assert_eq!(status.code(), Some(0), "{name}: {}", text(&output.stderr));
        assert!(is_empty(place.path()), "{name}: {}", text(&output.stdout));
    }
}
