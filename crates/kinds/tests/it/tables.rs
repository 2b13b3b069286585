//! Every recorded row: the same cells as the real server's.

use std::fs;
use std::time::Duration;

use lockstep_core::{Value, from_json, to_json};
use lockstep_kinds::{resources, row_conditions, table};

const ROWS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/kinds/rest/recorded_tables.jsonl");

fn text(cells: &[Value]) -> String {
    String::from_utf8(to_json(&Value::list(cells.to_vec()))).unwrap()
}

/// The server's clock is known to the second only, and it had read it before it answered.
fn nearby(now: u64) -> [Duration; 3] {
    [now, now.saturating_sub(1), now + 1].map(Duration::from_secs)
}

#[test]
fn rows_have_the_cells_of_the_real_server() {
    let (mut wrong, mut total) = (Vec::new(), 0);
    for line in fs::read_to_string(ROWS).unwrap().lines() {
        let line = from_json(line.as_bytes()).unwrap();
        let word = |key: &str| line.str_at(&[key]).unwrap();
        let list = |key: &str| line.get(key).and_then(Value::as_list).unwrap();
        let object = line.get("object").unwrap();
        let printed = table(word("group"), word("kind")).unwrap();
        let now = u64::try_from(line.int_at(&["now"]).unwrap()).unwrap();
        let rows = nearby(now).map(|now| printed.list(std::slice::from_ref(object), now).remove(0));
        total += 1;
        if !rows.iter().any(|row| row == list("cells")) {
            let (is, must) = (text(&rows[0]), text(list("cells")));
            wrong.push(format!(
                "{} {}\n  is      {is}\n  must be {must}",
                word("kind"),
                text(std::slice::from_ref(object))
            ));
        }
        assert_eq!(row_conditions(object), list("conditions"));
        // The real server describes one column less of IPAddresses than it has cells.
        let undescribed = usize::from(word("kind") == "IPAddress");
        assert_eq!(printed.columns.len() + undescribed, list("cells").len(), "{}", word("kind"));
    }
    assert!(wrong.is_empty(), "{} of {total} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_can_be_listed_can_be_printed() {
    for resource in resources().iter().filter(|resource| resource.verbs.iter().any(|verb| verb == "list")) {
        let printed = table(&resource.group, &resource.kind);
        assert!(printed.is_some(), "{} {}", resource.group, resource.kind);
    }
}

#[test]
fn the_youngest_of_the_default_storage_classes_is_marked_in_lists() {
    let class = |name: &str, created: &str, default: &str| {
        let text = format!(
            r#"{{"kind":"StorageClass","metadata":{{"name":"{name}","creationTimestamp":"2020-01-0{created}T00:00:00Z","annotations":{{"storageclass.kubernetes.io/is-default-class":"{default}"}}}}}}"#
        );
        from_json(text.as_bytes()).unwrap()
    };
    let classes =
        [class("a", "1", "true"), class("c", "2", "true"), class("b", "2", "true"), class("d", "3", "")];
    let printed = table("storage.k8s.io", "StorageClass").unwrap();
    let rows = printed.list(&classes, Duration::ZERO);
    let names: Vec<_> = rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["a", "c", "b (default)", "d"]);
}
