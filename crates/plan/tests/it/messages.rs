//! What the condition Ready says.

use crate::World;

#[track_caller]
fn check(scenario: &str, expected: &str) {
    assert_eq!(World::play(scenario).decide().1.message, expected);
}

#[test]
fn a_message_says_what_is_wrong_and_where() {
    check("in-sync ConfigMap/a x=1", "1 object in sync at aaaaaaaa");
    check("render failed", "app.yaml:3:1: no kind");
    check("render unavailable", "no route to host");
    check("render vanished", "the path apps/shop does not exist in the revision: nothing is deleted");
    check(
        "applied ConfigMap/a x=1",
        "the path exists and has no objects in it while 1 is recorded: nothing is deleted (spec.sync.allowEmpty allows it)",
    );
    check(
        "in-sync ConfigMap/a x=1
         claim ConfigMap/a team/other desired
         edit ConfigMap/a y=1 by kubectl-edit
         in-sync ConfigMap/b x=1",
        "ConfigMap/a: in sync, also wanted by team/other",
    );
    check("git ConfigMap/a x=1\ngit ConfigMap/b x=1\nin-sync ConfigMap/c x=1", "2 steps for 3 objects");
    check(
        "git ConfigMap/a x=1
         failed ConfigMap/a Invalid 1
         git ConfigMap/b x=1",
        "ConfigMap/a: failed (Invalid, attempt 1): no; would create it",
    );
    check(
        "policy budget=0
         in-sync ConfigMap/a x=1
         applied ConfigMap/old x=1",
        "1 deletion waits for approval (budget 0; `lockstep app approve -n team shop`): ConfigMap/old",
    );
}

#[test]
fn a_message_names_twenty_and_counts_the_rest() {
    let mut world = World::play("policy manual");
    for number in 10..35 {
        world.act(&format!("git ConfigMap/c{number} x=1"));
    }
    let (_, report) = world.decide();
    assert!(
        report
            .message
            .starts_with("ConfigMap/c10: waits for a sync (mode Manual); would create it; ConfigMap/c11")
    );
    assert!(report.message.ends_with("would create it; and 5 more"), "{}", report.message);
    assert_eq!((report.objects(), report.out_of_sync()), (25, 25));
}
