//! The schema of an Application's status.

use lockstep_core::RunStage;

use crate::schema::Schema;
use crate::status::{OperationPhase, SyncState};

/// The schema of an Application's status.
pub(crate) fn status() -> Schema {
    Schema::fields(vec![
        ("observedGeneration", generation()),
        ("sync", sync()),
        ("health", health()),
        ("operation", operation()),
        ("history", Schema::list(entry(), 100).about("What was synced, newest first, spec.history at most.")),
        (
            "conditions",
            Schema::list(condition(), 16)
                .keyed_by(&["type"])
                .about("Ready, and while they hold Reconciling, Stalled and Fighting."),
        ),
        ("summary", summary()),
        ("run", run()),
        ("deletionHooks", Schema::list(Schema::text(), 256).about("The hooks that its deletion has to run.")),
        (
            "lastHandled",
            Schema::fields(vec![
                (
                    "sync",
                    Schema::text().about("The last value of annotation lockstep.dev/sync that was acted on."),
                ),
                (
                    "refresh",
                    Schema::text()
                        .about("The last value of annotation lockstep.dev/refresh that was acted on."),
                ),
                (
                    "abort",
                    Schema::text()
                        .about("The last value of annotation lockstep.dev/abort that was acted on."),
                ),
            ])
            .about("Which wishes were already acted on."),
        ),
    ])
    .about("What was found; written by the controller.")
}

fn generation() -> Schema {
    Schema::count().about("The generation of the spec that this speaks of.")
}

fn sync() -> Schema {
    Schema::fields(vec![
        ("state", Schema::choice(SyncState::WORDS).about("Synced: every step of the last plan is applied and recorded. OutOfSync: live differs and nothing is running. Syncing: steps are outstanding. Blocked: only deletions that wait for an approval are left. Unknown: nothing was rendered yet, or what is live cannot be read.")),
        ("revision", Schema::text().max_length(64).about("The first source's commit that is live.")),
        ("revisions", Schema::list(Schema::text().max_length(64), 32).about("One commit a source, where there are several.")),
        ("plan", Schema::text().max_length(64).about("The digest of the last plan.")),
    ])
    .about("How live compares with the sources.")
}

fn health() -> Schema {
    let states = ["Healthy", "Progressing", "Suspended", "Degraded", "Missing", "Unknown"];
    Schema::fields(vec![
        ("state", Schema::choice(&states).about("The worst of its objects' states.")),
        ("reason", Schema::text().about("Why, naming an object.")),
        ("since", Schema::time().about("When it became so.")),
    ])
    .about("How well its objects are.")
}

fn operation() -> Schema {
    Schema::fields(vec![
        ("phase", Schema::choice(OperationPhase::WORDS).about("How far it is.")),
        ("wave", Schema::whole().about("The wave that it is in, or failed in.")),
        ("plan", Schema::text().max_length(64).about("The digest of its plan.")),
        ("revision", Schema::text().max_length(64).about("The first source's commit that it is for.")),
        ("startedAt", Schema::time().about("When it began.")),
        ("finishedAt", Schema::time().about("When it ended.")),
        ("message", Schema::text().about("What it says.")),
    ])
    .about("The last sync.")
}

fn run() -> Schema {
    let stages = RunStage::ALL.map(RunStage::as_str);
    let results = ["Succeeded", "Skipped", "Again", "Failed"];
    let hook = Schema::fields(vec![
        ("hook", Schema::text().about("Its phase and its object.")),
        ("result", Schema::choice(&results).about("How it ended. Again: it failed, and is made again. Skipped: its namespace was on its way out.")),
        ("failures", Schema::count().about("How many times it failed and is made again.")),
        ("message", Schema::text().about("Why it failed.")),
        ("log", Schema::text().about("The last lines of what its pod wrote, without the values of secrets.")),
    ]);
    Schema::fields(vec![
        (
            "target",
            Schema::text().max_length(64).about("The digest of everything that it is to bring about."),
        ),
        ("revision", Schema::text().about("The revisions that it was begun for, in short.")),
        ("number", Schema::count().about("Counts the syncs with hooks.")),
        ("attempt", Schema::count().about("How many times in a row its target was tried.")),
        (
            "stage",
            Schema::choice(&stages).about("How far it is. Failing: the hooks of SyncFail are on their way."),
        ),
        (
            "scope",
            Schema::choice(&["All", "Always"]).about(
                "Which hooks it has. Always: nothing changes, and only those run that run for each revision.",
            ),
        ),
        ("startedAt", Schema::time().about("When it began.")),
        ("endedAt", Schema::time().about("When it ended.")),
        ("message", Schema::text().about("Why it failed, or was ended.")),
        ("hooks", Schema::list(hook, 1000).about("The hooks that came to their end.")),
    ])
    .about("The last sync, or deletion, with hooks.")
}

fn entry() -> Schema {
    Schema::fields(vec![
        ("revision", Schema::text().max_length(64).about("The commit.")),
        ("author", Schema::text().about("Its author.")),
        ("subject", Schema::text().about("The first line of its message.")),
        ("plan", Schema::text().max_length(64).about("The digest of the plan.")),
        ("result", Schema::choice(OperationPhase::WORDS).about("How it ended.")),
        ("at", Schema::time().about("When it ended.")),
    ])
}

fn condition() -> Schema {
    Schema::fields(vec![
        ("type", Schema::text().max_length(316).about("The condition's name.")),
        ("status", Schema::choice(&["True", "False", "Unknown"]).about("Whether it holds.")),
        ("observedGeneration", generation()),
        ("lastTransitionTime", Schema::time().about("When the status last changed.")),
        ("reason", Schema::text().max_length(1024).about("One word for machines.")),
        ("message", Schema::text().max_length(32_768).about("One text for people.")),
    ])
    .required(&["type", "status"])
}

fn summary() -> Schema {
    Schema::fields(vec![
        (
            "objects",
            Schema::fields(vec![
                ("total", Schema::count().about("How many the sources name.")),
                ("outOfSync", Schema::count().about("How many are not in sync.")),
                ("degraded", Schema::count().about("How many are degraded.")),
            ])
            .about("Its objects, counted."),
        ),
        ("images", Schema::list(Schema::text(), 256).about("Container images, the first of them.")),
        ("urls", Schema::list(Schema::text(), 256).about("Addresses that it serves at.")),
    ])
    .about("In a few words.")
}
