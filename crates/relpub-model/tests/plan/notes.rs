//! The release's text: how it says to verify the release.

use super::*;

/// Returns the section on how to verify.
fn section(case: &Case) -> String {
    let body = case.plan().notes.unwrap().body;
    let from = body.find("## Verify").unwrap();
    let end = body.rfind("Promoted from").unwrap();
    body[from..end].to_owned()
}

#[test]
fn commands_name_this_very_release() {
    insta::assert_snapshot!(section(&Case::new().attested()), @r"
    ## Verify

    Keyless signatures; the other files in the same way:

    ```sh
    gh release download v1.2.0 --repo ada/slugs --pattern 'slugs-1.2.0-py3-none-any.whl*'
    cosign verify-blob --bundle slugs-1.2.0-py3-none-any.whl.sigstore.json \
      --certificate-identity-regexp '^https://github\.com/ada/slugs/' \
      --certificate-oidc-issuer https://token.actions.githubusercontent.com slugs-1.2.0-py3-none-any.whl
    sigstore verify github --bundle slugs-1.2.0-py3-none-any.whl.sigstore.json --repository ada/slugs slugs-1.2.0-py3-none-any.whl
    gh attestation verify slugs-1.2.0-py3-none-any.whl --repo ada/slugs \
      --predicate-type https://github.com/relpub/relpub/predicates/promotion/v1
    gh attestation verify slugs-1.2.0-py3-none-any.whl --repo ada/slugs \
      --predicate-type https://cyclonedx.org/bom
    relpub verify slugs-1.2.0-py3-none-any.whl --repository ada/slugs
    relpub verify v1.2.0   # every file, from a clone of the repository
    pypi-attestations verify pypi --repository https://github.com/ada/slugs pypi:slugs-1.2.0-py3-none-any.whl
    ```
    ");
}

#[test]
fn a_private_instance_is_known_by_its_root() {
    let text = format!(
        r#"{CONFIG}
        [evidence]
        attest   = "promotion"
        sigstore = "private"
        signer   = {{ workflow = "ada/ci/.github/workflows/release.yml" }}
        "#
    );
    let mut case = Case::new().attested();
    case.config.evidence = Config::parse("relpub.toml", &text).unwrap().evidence;
    insta::assert_snapshot!(section(&case), @r"
    ## Verify

    Keyless signatures; the other files in the same way. `trusted_root.json` is that of the project's own Sigstore instance:

    ```sh
    gh release download v1.2.0 --repo ada/slugs --pattern 'slugs-1.2.0-py3-none-any.whl*'
    cosign verify-blob --bundle slugs-1.2.0-py3-none-any.whl.sigstore.json --trusted-root trusted_root.json \
      --certificate-identity-regexp '^https://github\.com/(?:ada/slugs/)?ada/ci/\.github/workflows/release\.yml@' \
      --certificate-oidc-issuer https://token.actions.githubusercontent.com slugs-1.2.0-py3-none-any.whl
    gh attestation verify slugs-1.2.0-py3-none-any.whl --repo ada/slugs --signer-repo ada/ci --custom-trusted-root trusted_root.json \
      --predicate-type https://github.com/relpub/relpub/predicates/promotion/v1
    relpub verify v1.2.0   # every file, from a clone of the repository
    ```
    ");
}

#[test]
fn only_the_generated_text_is_cut() {
    let mut case = Case::new().attested();
    case.observed.generated_notes = Some(Known::Seen("é\n".repeat(100_000)));
    let body = case.plan().notes.unwrap().body;
    assert!((120_000..=125_000).contains(&body.chars().count()));
    assert!(body.contains("(shortened to fit)") && body.contains("\ncosign verify-blob "));
    let plain = Case::new().plan().notes.unwrap().body;
    assert!(!plain.contains("## Verify"));
}
