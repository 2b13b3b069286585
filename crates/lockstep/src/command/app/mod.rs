//! `lockstep app`: everything about one Application, or all of them.

mod approve;
mod change;
mod create;
mod delete;
mod diff;
mod list;
mod outline;
mod selected;
mod show;
mod sync;
mod wait;
mod written;

pub(super) use show::standing;

use clap::Subcommand;
use lockstep_core::Value;

use crate::connect::block_on;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Create, look at, sync and delete Applications.
#[derive(Debug, clap::Args)]
pub(crate) struct App {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an Application from flags or from a file.
    Create(Box<create::Create>),
    /// List Applications.
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show an Application.
    Get(show::Get),
    /// Show what a sync would change, field by field. Exits with 0 if nothing, 1 if something, 2 on errors.
    Diff(diff::Diff),
    /// Ask the controller to look at the repositories of an Application and to sync it, now; or show what that would do.
    Sync(sync::Sync),
    /// Ask the controller to look at the repositories of an Application now.
    Refresh(sync::Refresh),
    /// Approve the deletions that wait for it.
    Approve(approve::Approve),
    /// Wait until an Application is ready, synced, healthy or gone.
    Wait(wait::Wait),
    /// Stop acting on an Application: nothing is fetched, written or deleted until it is resumed.
    Suspend(change::Suspend),
    /// Act on a suspended Application again.
    Resume(change::Resume),
    /// Delete an Application, and its objects unless it says otherwise.
    Delete(delete::Delete),
}

impl App {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        block_on(async {
            match self.action {
                Action::Create(command) => command.run(terminal).await,
                Action::List(command) => command.run(terminal).await,
                Action::Get(command) => command.run(terminal).await,
                Action::Diff(command) => command.run(terminal).await,
                Action::Sync(command) => command.run(terminal).await,
                Action::Refresh(command) => command.run(terminal).await,
                Action::Approve(command) => command.run(terminal).await,
                Action::Wait(command) => command.run(terminal).await,
                Action::Suspend(command) => command.run(terminal).await,
                Action::Resume(command) => command.run(terminal).await,
                Action::Delete(command) => command.run(terminal).await,
            }
        })
    }
}

/// `application.lockstep.dev/shop`, as kubectl names a resource.
fn qualified(name: &str) -> String {
    format!("application.{}/{name}", api::GROUP)
}

fn name_of(application: &Value) -> &str {
    application.str_at(&["metadata", "name"]).unwrap_or_default()
}
