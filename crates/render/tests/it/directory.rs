//! Which files are read, and what is said of the others.

use lockstep_core::Directory;
use lockstep_render::{Limits, Namespaces};

use crate::tree::{findings, names, render_tree, render_with};

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

fn plain(recurse: bool, include: &[&str], exclude: &[&str]) -> Directory {
    let own = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    Directory { explicit: false, recurse, include: own(include), exclude: own(exclude) }
}

#[test]
fn files_are_taken_by_ending_depth_and_globs_in_walking_order() {
    let texts = ["b", "a", "sub", "hidden", "json", "other"].map(map);
    let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"json"}}"#;
    let files = [
        ("b.yml", &*texts[0]),
        ("a.yaml", &texts[1]),
        ("m/sub.yaml", &texts[2]),
        (".hidden.yaml", &texts[3]),
        ("c.json", json),
        ("other.txt", &texts[5]),
        ("D.YAML", &texts[5]),
    ];
    for (directory, expected) in [
        (plain(false, &[], &[]), &["hidden", "a", "b", "json"][..]),
        (plain(true, &[], &[]), &["hidden", "a", "b", "json", "sub"]),
        (plain(true, &["m/*", "{b,x}.yml"], &[]), &["b", "sub"]),
        (plain(true, &[], &["*.yaml"]), &["b", "json"]),
        (plain(false, &["*.yaml"], &["a*"]), &["hidden"]),
    ] {
        let rendered = render_tree(&files, directory.clone());
        let expected: Vec<String> = expected.iter().map(|name| format!("ConfigMap shop/{name}")).collect();
        assert_eq!(names(&rendered), expected, "{directory:?}");
        assert_eq!(findings(&rendered), [""; 0], "{directory:?}");
    }
}

#[test]
fn every_file_that_cannot_be_read_is_a_finding_at_once() {
    let good = map("good");
    let rendered = render_tree(
        &[
            ("a.yaml", "@lfs"),
            ("b.yaml", "-> .."),
            ("c.yaml", "-> nowhere"),
            ("d.yaml", "-> good.txt"),
            ("good.txt", &good),
            ("lib", "@submodule"),
            ("e.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a: b\n"),
        ],
        plain(true, &[], &[]),
    );
    assert_eq!(
        findings(&rendered),
        [
            "[git-submodule] deploy/lib: is a submodule, which is not built yet (name the other repository as a source of its own)",
            "[git-lfs] deploy/a.yaml: is refused (mend it)",
            "[path-escape] deploy/b.yaml: is refused (mend it)",
            "[broken-link] deploy/c.yaml: leads to no file (let it name a file of the repository, or leave it out with directory.exclude)",
            "[yaml-syntax] deploy/e.yaml:4:10: mapping values are not allowed in this context (a value that contains ': ' must be in quotes)",
        ]
    );
    assert!(rendered.has_errors());
    assert_eq!(names(&rendered), ["ConfigMap shop/good"]);
}

#[test]
fn a_submodule_beside_the_files_of_a_flat_directory_does_not_matter() {
    let good = map("good");
    let rendered = render_tree(&[("a.yaml", &good), ("lib", "@submodule")], plain(false, &[], &[]));
    assert_eq!(findings(&rendered), [""; 0]);
}

#[test]
fn a_chart_or_a_kustomization_is_refused_unless_plain_files_are_asked_for() {
    let good = map("good");
    for (file, renderer) in
        [("Chart.yaml", "Helm"), ("kustomization.yml", "Kustomize"), ("Kustomization", "Kustomize")]
    {
        let files = [("a.yaml", &*good), (file, "name: x\n")];
        let rendered = render_tree(&files, plain(false, &[], &[]));
        let expected = format!(
            "[not-built] deploy/{file}: calls for {renderer}, which is not built yet (set directory: {{}} on the source to apply its files as they are)"
        );
        assert_eq!(findings(&rendered), [expected]);
        let rendered = render_tree(&files, Directory { explicit: true, ..Directory::default() });
        assert!(!rendered.has_errors(), "{:?}", findings(&rendered));
        assert_eq!(names(&rendered), ["ConfigMap shop/good"]);
    }
}

#[test]
fn a_vanished_path_is_an_error_and_an_empty_directory_is_not() {
    let rendered = render_tree(&[], Directory::default());
    assert_eq!(
        findings(&rendered),
        [
            "[no-such-path] there is no directory \"deploy\" in the source (check path; nothing is deleted meanwhile)"
        ]
    );
    let rendered = render_tree(&[("README.md", "x")], Directory::default());
    assert_eq!((findings(&rendered), rendered.objects.len()), (vec![], 0));
}

#[test]
fn files_about_something_else_are_left_out_with_a_warning_but_broken_ones_never() {
    let aside = "[no-manifest] deploy/a.yaml: holds no Kubernetes object and is left out (name it in directory.exclude)";
    for (text, expected) in [
        ("replicas: 3\nimage: x\n", vec![aside.to_owned()]),
        ("- 1\n- 2\n", vec![aside.to_owned()]),
        ("# only a comment\n", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(findings(&render_tree(&[("a.yaml", text)], Directory::default())), expected, "{text:?}");
    }
    for text in ["a: b: c\n", "kind: ConfigMap\n", "apiVersion: v1\n", "{{ range }}\n", "\t- x\n"] {
        assert!(render_tree(&[("a.yaml", text)], Directory::default()).has_errors(), "{text:?}");
    }
}

#[test]
fn limits_are_errors_that_say_what_to_do() {
    let good = map("good");
    let files = [("a.yaml", &*good), ("b.yaml", &good)];
    let limits = Limits::default;
    for (limits, expected) in [
        (
            Limits { file_bytes: 10, ..limits() },
            &[
                "[too-large] deploy/a.yaml: is refused (mend it)",
                "[too-large] deploy/b.yaml: is refused (mend it)",
            ][..],
        ),
        (
            Limits { files: 1, ..limits() },
            &[
                "[too-many-files] deploy: has 2 manifests, more than the limit of 1 (divide the directory among applications)",
            ],
        ),
        (
            Limits { objects: 1, ..limits() },
            &["[too-many-objects] 2 objects are more than the limit of 1 (divide them among applications)"],
        ),
    ] {
        let rendered = render_with(&files, Directory::default(), Namespaces::AsWritten, limits);
        assert_eq!(findings(&rendered), expected);
    }
}
