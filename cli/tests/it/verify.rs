//! `relpub verify` on another machine: a release by its signed statement, a file
//! by what lies beside it.

use std::fs;

use crate::common::{Project, Sandbox, TAG};

const DOCS: &str = "relpub-demo-1.2.3-docs.tar.gz";

/// A released demo, as somebody has it who has only the configuration.
fn released() -> (Project, Sandbox) {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let promote = project.in_world(&sandbox, &["promote", TAG, "--yes"]);
    project.finish(promote).exits(0);
    fs::remove_dir_all(project.path(".relpub")).unwrap();
    fs::remove_dir_all(project.path("bucket")).unwrap();
    (project, sandbox)
}

#[test]
fn a_release_is_verified_on_another_machine() {
    let (project, sandbox) = released();
    let verify = || project.finish(project.in_world(&sandbox, &["verify", TAG]));
    verify()
        .exits(0)
        .shows("verified relpub-demo 1.2.3 9 of 9 there")
        .shows("6 signatures, 6 SBOMs, promotion statement, 3 publish attestations");
    let signature = format!("{DOCS}.sigstore.json");
    sandbox.replace_asset(&signature, "{}");
    verify().exits(4).shows(&format!("signature of {DOCS}"));
}

#[test]
fn a_file_is_judged_by_the_bundle_beside_it() {
    let (project, sandbox) = released();
    let bundle = format!("{DOCS}.sigstore.json");
    for name in [DOCS, &bundle] {
        fs::write(project.path(name), sandbox.download(name)).unwrap();
    }
    fs::remove_file(project.path("relpub.toml")).unwrap();
    let verify = |repository: &str| {
        let args = ["verify", DOCS, "--repository", repository];
        project.finish(project.in_world(&sandbox, &args))
    };
    verify("relpub/demo").exits(0);
    verify("evil/demo").exits(4);
    let mut bytes = fs::read(project.path(DOCS)).unwrap();
    bytes[0] ^= 1;
    fs::write(project.path(DOCS), bytes).unwrap();
    verify("relpub/demo").exits(4);
}

#[test]
fn a_file_without_evidence_is_rejected() {
    let (project, sandbox) = released();
    fs::write(project.path("other.tar.gz"), "other bytes").unwrap();
    let verify = project.in_world(&sandbox, &["verify", "other.tar.gz"]);
    project.finish(verify).exits(4);
}

#[test]
fn a_rehearsal_signs_as_the_configured_signer() {
    let project = Project::demo();
    let config = project.read("relpub.toml");
    let signer = "[evidence]\nsigner = { workflow = \".github/workflows/release.yml\", ref = \"refs/tags/v*\", environment = \"pypi\" }";
    fs::write(project.path("relpub.toml"), format!("{config}\n{signer}\n")).unwrap();
    let run = project.run(&["rehearse", TAG]).exits(0);
    run.shows("16 signatures verify");
}
