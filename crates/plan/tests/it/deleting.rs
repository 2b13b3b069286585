//! The end of an Application.

use crate::check_deletion;

const APP: &str = "in-sync ConfigMap/a x=1
     in-sync Deployment/web x=1
     in-sync Namespace/shop x=1";

#[test]
fn everything_goes_layer_by_layer_without_an_approval() {
    check_deletion(
        &format!("policy budget=0\n{APP}"),
        "not done
         Syncing Deleting
         ConfigMap/a: waits, what may depend on it goes first; would delete it
         Namespace/shop: waits, what may depend on it goes first; would delete it
         Deployment/web: deletes, Git does not have it
         > delete workloads: delete Deployment/web uid-web",
    );
    check_deletion(
        &format!("{APP}\nterminate Deployment/web"),
        "not done
         Syncing Deleting
         ConfigMap/a: waits, what may depend on it goes first; would delete it
         Namespace/shop: waits, what may depend on it goes first; would delete it
         Deployment/web: waits, it is being deleted; would delete it",
    );
    check_deletion(
        &format!("{APP}\ndelete Deployment/web"),
        "not done
         Syncing Deleting
         ConfigMap/a: deletes, Git does not have it
         Namespace/shop: waits, what may depend on it goes first; would delete it
         Deployment/web: forgets, Git does not have it and it is gone
         > records: forget Deployment/web
         > delete foundations: delete ConfigMap/a uid-a",
    );
}

#[test]
fn it_is_done_when_nothing_of_it_is_live() {
    check_deletion(
        &format!("{APP}\ndelete Deployment/web\ndelete ConfigMap/a\ndelete Namespace/shop"),
        "done
         Syncing Deleting
         ConfigMap/a: forgets, Git does not have it and it is gone
         Namespace/shop: forgets, Git does not have it and it is gone
         Deployment/web: forgets, Git does not have it and it is gone
         > records: forget Namespace/shop, forget ConfigMap/a, forget Deployment/web",
    );
    check_deletion("", "done\nSynced Deleting");
}

#[test]
fn orphans_are_let_go_at_once() {
    check_deletion(
        &format!("policy orphan\n{APP}"),
        "done
         Synced Deleting
         ConfigMap/a: stays, the application's deletion policy is Orphan
         Namespace/shop: stays, the application's deletion policy is Orphan
         Deployment/web: stays, the application's deletion policy is Orphan
         > records: abandon Namespace/shop, abandon ConfigMap/a, abandon Deployment/web",
    );
}

#[test]
fn what_others_claim_or_what_says_so_stays() {
    check_deletion(
        "in-sync ConfigMap/a x=1
         claim ConfigMap/a team/other desired
         in-sync ConfigMap/b @prune=disabled
         in-sync ConfigMap/c x=1
         owner ConfigMap/c lockstep team/other",
        "done
         Synced Deleting
         ConfigMap/a: stays, team/other has it now
         ConfigMap/b: stays, it is annotated `lockstep.dev/prune: disabled`
         ConfigMap/c: stays, it belongs to team/other (lockstep)
         > records: abandon ConfigMap/a, abandon ConfigMap/b, abandon ConfigMap/c",
    );
}

#[test]
fn what_cannot_be_told_or_is_suspended_is_waited_for() {
    check_deletion(
        "in-sync ConfigMap/a x=1
         unknown ConfigMap/a",
        "not done
         Syncing Deleting
         ConfigMap/a: unknown, not allowed to list",
    );
    check_deletion(
        "policy suspend
         in-sync ConfigMap/a x=1",
        "not done
         Syncing Deleting
         ConfigMap/a: suspended; would delete it",
    );
    check_deletion(
        "render failed-at-once
         policy notify
         applied ConfigMap/a x=1",
        "not done
         Syncing Deleting
         ConfigMap/a: deletes, Git does not have it
         > delete foundations: delete ConfigMap/a uid-a",
    );
}

#[test]
fn nothing_goes_that_a_neighbour_may_be_about_to_want() {
    check_deletion(
        "in-sync ConfigMap/a x=1
         unrendered team/other",
        "not done
         Syncing Deleting
         ConfigMap/a: held, it may be moving to team/other (not rendered yet); would delete it",
    );
    check_deletion(
        "in-sync ConfigMap/a x=1
         unrendered team/other failed",
        "not done
         Syncing Deleting
         ConfigMap/a: held, it may be moving to team/other (its render failed); would delete it",
    );
    check_deletion(
        "in-sync ConfigMap/a x=1
         claim ConfigMap/a team/other stale
         unrendered team/other",
        "not done
         Syncing Deleting
         ConfigMap/a: held, it may be moving to team/other (not rendered yet); would delete it",
    );
    // What stays needs nobody's word.
    check_deletion(
        "policy orphan
         in-sync ConfigMap/a x=1
         unrendered team/other",
        "done
         Synced Deleting
         ConfigMap/a: stays, the application's deletion policy is Orphan
         > records: abandon ConfigMap/a",
    );
}
