//! Rehearsals, as README's first command starts one.

use std::fs;

use insta::{assert_snapshot, with_settings};

use crate::common::{Project, TAG};

#[test]
fn the_demo_goes_through() {
    let run = Project::demo().run(&["rehearse", TAG]).exits(0);
    with_settings!({ filters => vec![(r"\d+\.\d s", "[time]")] }, {
        assert_snapshot!(run.stdout, @"
        rehearsing relpub-demo 1.2.3 in a private world on 127.0.0.1 (the source is read, nothing is written outside)
          world     PyPI · TestPyPI · GitHub · bucket · Sigstore, ready in [time]
          promote   as relpub promote v1.2.3 would, from the real source

        relpub-demo 1.2.3   tag v1.2.3 at 5f2c0e6d   6 artifacts, 25.9 kB   from file:bucket

          artifact                                                  size   pypi   github   evidence
          relpub_demo-1.2.3-py3-none-any.whl                      3.2 kB   new    new      signature, sbom 2, promotion, publish
          relpub_demo-1.2.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
                                                                  3.7 kB   new    new      signature, sbom 3, promotion, publish
          relpub_demo-1.2.3.tar.gz                                2.0 kB   new    new      signature, sbom 2, promotion, publish
          relpub-demo-1.2.3-x86_64-unknown-linux-gnu               245 B   ·      new      signature, sbom 0, promotion
          relpub-demo-1.2.3-aarch64-apple-darwin                 16.3 kB   ·      new      signature, sbom 0, promotion
          relpub-demo-1.2.3-docs.tar.gz                            278 B   ·      new      signature, sbom 0, promotion

          sign      6 signatures, 6 SBOMs, promotion statement, 3 publish attestations (while uploading) as relpub/demo
                    release.yml@main, log of the world
          stage     GitHub draft with 19 files
          ───────── point of no return ─────────
          publish   PyPI relpub-demo: 2 wheels, 1 sdist · 6 SBOMs, promotion statement to GitHub's attestation store · GitHub
                    v1.2.3
          confirm   find everything by digest where users look
          point     GitHub latest → v1.2.3 (there was none)

          assumed   PyPI takes this workflow as a trusted publisher of relpub-demo (a new project)
                    the tag name v1.2.3 was not burned by an immutable release that was deleted (GitHub tells only when the
                    release is made)
                    this credential may write attestations of relpub/demo
                    this credential may write releases of relpub/demo

        released relpub-demo 1.2.3   9 of 9 there, digests equal

          PyPI     relpub-demo 1.2.3   2 wheels, 1 sdist new
          GitHub   v1.2.3              6 files new, latest

          evidence  6 signatures, 6 SBOMs, promotion statement, 3 publish attestations
          signed    as relpub/demo release.yml@main
          log       3 entries in rekor1.sandbox.localhost, number 4097 to 4099
                    13 entries in rekor2.sandbox.localhost, number 1 to 13

          check     downloaded by the paths that pip and browsers use: exactly these bytes; 16 signatures verify
        rehearsed relpub-demo 1.2.3 in [time]: it would go through

          not covered: your accounts' permissions and settings on the real services
        ");
    });
    // Those run at once, in any order.
    let assets =
        |line: &&str| line.ends_with(" into the draft at GitHub") && !line.contains("signatures");
    assert_eq!(run.stderr.lines().filter(assets).count(), 6);
    let readings = |line: &&str| line.starts_with("  read ");
    assert_eq!(run.stderr.lines().filter(readings).count(), 2);
    let at_once = |line: &&str| assets(line) || readings(line);
    let others = run.stderr.lines().filter(|line| !at_once(line));
    assert_snapshot!(others.collect::<Vec<_>>().join("\n"), @"
      source: 6 artifacts, 25.9 kB
    stage
      done: draft at GitHub
      signing
      signed: 6 signatures, 6 SBOMs, promotion statement
      done: 6 signatures, 6 SBOMs, promotion statement into the draft at GitHub
    publish
      done: 6 SBOMs, promotion statement to GitHub's attestation store
      done: relpub_demo-1.2.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl to PyPI
      done: relpub_demo-1.2.3-py3-none-any.whl to PyPI
      done: relpub_demo-1.2.3.tar.gz to PyPI
      done: release at GitHub
    confirm
      done: reading back from PyPI
      done: reading back from GitHub
    point
      already there: latest at GitHub to v1.2.3
    ");
}

#[test]
fn a_changed_byte_is_rejected() {
    let project = Project::demo();
    let path = project.path("bucket/bin/x86_64-unknown-linux-gnu/relpub-demo");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let run = project.run(&["rehearse", TAG]).exits(4);
    run.shows("rejected: 1 reason, nothing public was changed")
        .shows("corrupt bin/x86_64-unknown-linux-gnu/relpub-demo")
        .shows("it would not go through");
}

#[test]
fn a_missing_artifact_blocks_unless_it_is_allowed() {
    let project = Project::demo();
    fs::remove_file(project.path("bucket/docs.tar.gz")).unwrap();
    let run = project.run(&["rehearse", TAG]).exits(3);
    run.shows("missing docs.tar.gz: expected one, found none");
}

#[test]
fn lost_answers_are_settled() {
    let fault = "lost-answer@pypi/upload:2";
    let run = Project::demo().run(&["rehearse", TAG, "--fault", fault]);
    run.exits(0).shows("exactly these bytes");
}

#[test]
fn a_killed_run_is_followed_by_another() {
    let run = Project::demo().run(&["rehearse", TAG, "--kill-after", "3"]);
    run.exits(0)
        .shows("killed after POST")
        .shows("again the same command once more")
        .shows("it would go through, in 2 runs");
}

#[test]
fn what_never_works_stops_with_the_counts() {
    let fault = "503@pypi/upload:1000";
    let run = Project::demo().run(&["rehearse", TAG, "--fault", fault]);
    let run = run.exits(5).shows("stopped as before");
    let begin = run.stdout.find("stopped: ").unwrap();
    let screen = &run.stdout[begin..];
    let end = screen.find("  again").unwrap();
    assert_snapshot!(screen[..end], @"
    stopped: PyPI: could not upload relpub_demo-1.2.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl: HTTP 503:
    the sandbox was asked to fail here (tried 4 times)

      public    7 pieces of evidence at GitHub's attestation store
      hidden    6 files in the draft on GitHub · 13 pieces of evidence at GitHub
      not yet   2 wheels, 1 sdist on PyPI · 3 pieces of evidence at PyPI · GitHub release v1.2.3 · GitHub latest
      log       1 entry in rekor1.sandbox.localhost, number 4097
                13 entries in rekor2.sandbox.localhost, number 1 to 13
      When PyPI answers, run the same command again.
      It continues with relpub_demo-1.2.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl to PyPI; nothing is
      uploaded twice.
    ");
}
