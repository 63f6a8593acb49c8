//! `relpub sbom` through the binary.

use serde_json::Value;

use crate::common::Project;

const WHEEL: &str = "bucket/wheels/relpub_demo-1.2.3-py3-none-any.whl";

#[test]
fn one_file_s_document_is_all_of_standard_output() {
    let project = Project::demo();
    let first = project.run(&["sbom", WHEEL]).exits(0);
    let document: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(document["specVersion"], "1.6");
    assert_eq!(
        document["metadata"]["component"]["purl"],
        "pkg:pypi/relpub-demo@1.2.3?file_name=relpub_demo-1.2.3-py3-none-any.whl"
    );
    assert!(
        first
            .stderr
            .contains("relpub_demo-1.2.3-py3-none-any.whl has "),
        "{}",
        first.stderr
    );
    assert_eq!(project.run(&["sbom", WHEEL]).stdout, first.stdout);
}

#[test]
fn several_documents_go_to_a_folder() {
    let project = Project::demo();
    let program = "bucket/bin/x86_64-unknown-linux-gnu/relpub-demo";
    let run = project.run(&["sbom", WHEEL, program]).exits(2);
    assert!(run.stderr.contains("--output DIR"), "{}", run.stderr);
    let run = project
        .run(&["sbom", WHEEL, program, "-o", "sboms"])
        .exits(0);
    assert!(
        run.stdout.contains("relpub-demo has no components: it "),
        "{}",
        run.stdout
    );
    for name in ["relpub_demo-1.2.3-py3-none-any.whl", "relpub-demo"] {
        let text = project.read(&format!("sboms/{name}.cdx.json"));
        assert!(text.contains("CycloneDX"));
    }
}

#[test]
fn what_is_not_what_it_says_has_no_document() {
    let project = Project::demo();
    std::fs::write(project.path("bad-1.0-py3-none-any.whl"), "no zip").unwrap();
    let run = project
        .run(&["sbom", "bad-1.0-py3-none-any.whl", WHEEL, "-o", "sboms"])
        .exits(4);
    assert!(
        run.stderr.contains("bad-1.0-py3-none-any.whl"),
        "{}",
        run.stderr
    );
    assert!(!project.path("sboms").exists());
}
