//! The same requests to a real API server and to the embedded one, and what they answer differently.
mod compare;
mod normal;
mod random;
mod script;
mod server;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::kubeone::Kubeone;
use crate::workspace::Workspace;
use compare::Exclusions;
use script::Script;
use server::Server;

/// What is asked, and of whom.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct DifferentialOptions {
    /// Write the real server's answers into the scripts, and ask nobody else
    #[arg(long)]
    record: bool,
    /// The files of the scripts [default: tests/conformance/differential/*.jsonl]
    #[arg(long, num_args = 1..)]
    scripts: Vec<PathBuf>,
    /// Only scripts with this in their name
    #[arg(long)]
    name: Option<String>,
    /// So many random sequences of writes instead of scripts
    #[arg(long)]
    random: Option<u64>,
    /// The seed of the first sequence; the second has the next
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A running control plane, best without controllers [default: one that is started for it]
    #[arg(long)]
    real: Option<PathBuf>,
    /// A running embedded API server [default: one that is started for it]
    #[arg(long)]
    embedded: Option<PathBuf>,
}

impl DifferentialOptions {
    /// Random sequences of writes, to servers that are started for them.
    pub(crate) fn random(count: u64, seed: u64) -> Self {
        Self { random: Some(count), seed, ..Self::default() }
    }
}

const FOLDER: &str = "tests/conformance/differential";
/// How many scripts are played at a time.
const AT_ONCE: usize = 8;
const READY_WITHIN: Duration = Duration::from_secs(20);

/// Plays scripts on one server or both. `false`: something was answered differently.
///
/// # Errors
/// When a server cannot be started or asked, or a script cannot be read.
pub(crate) fn run(workspace: &Workspace, options: &DifferentialOptions) -> Result<bool> {
    let dir = tempfile::tempdir()?;
    let (kubeone, real) = match &options.real {
        Some(kubeconfig) => (None, kubeconfig.clone()),
        None => {
            let kubeone = Kubeone::without_controllers(workspace, &dir.path().join("real"))?;
            let kubeconfig = kubeone.kubeconfig();
            (Some(kubeone), kubeconfig)
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = format!("{:04x}", SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() & 0xffff);
    let same = runtime.block_on(async {
        let real = Server::connect(&real, &run).await?;
        if options.record {
            return record(workspace, options, &real).await.map(|()| true);
        }
        let (_bare, embedded) = match &options.embedded {
            Some(kubeconfig) => (None, kubeconfig.clone()),
            None => {
                let kubeconfig = dir.path().join("embedded.kubeconfig");
                (Some(bare(workspace, &kubeconfig)?), kubeconfig)
            }
        };
        let embedded = Server::connect(&embedded, &run).await?;
        match options.random {
            Some(count) => random::compare((&real, &embedded), &run, (options.seed, count)).await,
            None => compare_scripts(workspace, options, (&real, &embedded)).await,
        }
    });
    drop(kubeone);
    same
}

/// The embedded API server as a process; it ends with its value.
struct Bare(Child);

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bare(workspace: &Workspace, kubeconfig: &Path) -> Result<Bare> {
    let child = Command::new(env!("CARGO"))
        .args(["run", "-q", "-p", "lockstep-apiserver", "--example", "bare", "--"])
        .arg(kubeconfig)
        .current_dir(workspace.path("."))
        .stdin(Stdio::piped())
        .spawn()
        .context("the embedded API server")?;
    let mut bare = Bare(child);
    let deadline = Instant::now() + READY_WITHIN * 30;
    while File::open(kubeconfig).is_err() || fs::metadata(kubeconfig)?.len() == 0 {
        if bare.0.try_wait()?.is_some() || Instant::now() > deadline {
            bail!("the embedded API server did not come up");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(bare)
}

/// The files with their scripts.
fn files(workspace: &Workspace, options: &DifferentialOptions) -> Result<Vec<(PathBuf, Vec<Script>)>> {
    let mut paths = options.scripts.clone();
    if paths.is_empty() {
        let folder = workspace.path(FOLDER);
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    }
    paths.sort();
    paths.into_iter().map(|path| Script::read(&path).map(|scripts| (path, scripts))).collect()
}

fn is_wanted(options: &DifferentialOptions, script: &Script) -> bool {
    options.name.as_ref().is_none_or(|name| script.name.contains(name))
}

async fn record(workspace: &Workspace, options: &DifferentialOptions, real: &Server) -> Result<()> {
    for (path, mut scripts) in files(workspace, options)? {
        let wanted = scripts.iter_mut().filter(|script| is_wanted(options, script));
        let played = stream::iter(wanted).map(async |script| {
            script.steps = real.play(script).await.with_context(|| script.name.clone())?;
            anyhow::Ok(())
        });
        let count = played.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?.len();
        Script::write(&path, &scripts)?;
        println!("{}: {count} scripts", path.display());
    }
    Ok(())
}

async fn compare_scripts(
    workspace: &Workspace,
    options: &DifferentialOptions,
    (real, embedded): (&Server, &Server),
) -> Result<bool> {
    let exclusions = Exclusions::read(&workspace.path(FOLDER).join("exclusions.tsv"))?;
    let files = files(workspace, options)?;
    let scripts = files.iter().flat_map(|(_, scripts)| scripts).filter(|script| is_wanted(options, script));
    let played = stream::iter(scripts).map(async |script| {
        let (real, embedded) = tokio::join!(real.play(script), embedded.play(script));
        let told = match (real, embedded) {
            (Ok(real), Ok(embedded)) => exclusions.differences(&script.name, &real, &embedded),
            (real, embedded) => {
                let error = real.err().or(embedded.err()).map(|error| format!("{error:#}"));
                vec![format!("{}: {}", script.name, error.unwrap_or_default())]
            }
        };
        anyhow::Ok(told)
    });
    let told: Vec<Vec<String>> = played.buffered(AT_ONCE).try_collect().await?;
    told.iter().flatten().for_each(|line| println!("{line}"));
    if options.scripts.is_empty() && options.name.is_none() {
        exclusions.unmet().iter().for_each(|exclusion| println!("excludes nothing: {exclusion}"));
    }
    let equal = told.iter().filter(|told| told.is_empty()).count();
    println!("{} scripts, {equal} equal; {} exclusions", told.len(), exclusions.len());
    Ok(equal == told.len())
}
