//! What each part of the lab consists of, and in which versions.

use crate::lab::Part;

/// One thing to install.
#[derive(Debug)]
pub(super) enum Step {
    /// A Go program, kept under `name`.
    Go {
        name: &'static str,
        package: &'static str,
        version: &'static str,
    },
    /// A Go program, one line of whose `file` opens a port to the whole network.
    GoOnLoopback {
        name: &'static str,
        module: &'static str,
        version: &'static str,
        program: &'static str,
        file: &'static str,
        listener: &'static str,
    },
    /// The lab's own program around Trillian's log server and signer.
    Trillian,
    /// Python packages, each with its version, in the one environment there is.
    Pip {
        part: &'static str,
        packages: &'static [&'static str],
    },
    /// Node itself.
    Node { version: &'static str },
    /// Node packages, each with its version.
    Npm {
        folder: &'static str,
        packages: &'static [&'static str],
    },
    /// A program from a crate.
    Crate {
        name: &'static str,
        version: &'static str,
        features: &'static str,
    },
}

impl Step {
    /// Returns what it is called in messages and file names.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Go { name, .. } | Self::GoOnLoopback { name, .. } | Self::Crate { name, .. } => {
                (*name).to_owned()
            }
            Self::Trillian => "trillian".to_owned(),
            Self::Pip { part, .. } => format!("pip-{part}"),
            Self::Node { .. } => "node".to_owned(),
            Self::Npm { folder, .. } => format!("npm-{folder}"),
        }
    }

    /// Returns the version, as the tool that installs it spells it.
    pub(super) fn version(&self) -> &'static str {
        match self {
            Self::Go { version, .. }
            | Self::GoOnLoopback { version, .. }
            | Self::Node { version }
            | Self::Crate { version, .. } => version,
            Self::Trillian | Self::Pip { .. } | Self::Npm { .. } => "",
        }
    }
}

const NODE: Step = Step::Node { version: "24.21.0" };

/// Returns the steps of a part, in order.
pub(super) fn steps_of(part: Part) -> Vec<Step> {
    match part {
        Part::Github => vec![
            NODE,
            Step::Npm {
                folder: "github",
                packages: &[
                    "emulate@0.12.2",
                    "@stoplight/prism-cli@5.16.0",
                    "@octokit/openapi@23.0.2",
                ],
            },
        ],
        Part::Pypi => vec![Step::Pip {
            part: "pypi",
            packages: &[
                "twine==7.0.0",
                "uv==0.13.8",
                "devpi-server==6.20.3",
                "devpi-client==7.3.0",
                "pypiserver==2.4.2",
                "passlib==1.7.4",
                "check-wheel-contents==0.6.3",
            ],
        }],
        Part::Bucket => vec![
            Step::Pip {
                part: "bucket",
                packages: &["moto[server,s3,sts]==5.2.5", "boto3==1.44.5"],
            },
            Step::Crate {
                name: "s3s-fs",
                version: "0.14.1",
                features: "binary",
            },
            Step::Go {
                name: "fake-gcs-server",
                package: "github.com/fsouza/fake-gcs-server",
                version: "v1.56.1",
            },
        ],
        Part::Sbom => vec![Step::Pip {
            part: "sbom",
            packages: &["cyclonedx-python-lib[validation]==11.12.0"],
        }],
        Part::Fault => vec![Step::Go {
            name: "toxiproxy-server",
            package: "github.com/Shopify/toxiproxy/v2/cmd/server",
            version: "v2.5.0",
        }],
        Part::Crates => vec![Step::Crate {
            name: "ferro-cargo-registry-server",
            version: "1.0.0",
            features: "",
        }],
        Part::Oci => oci(),
        Part::Sigstore => sigstore(),
    }
}

fn oci() -> Vec<Step> {
    vec![
        NODE,
        Step::Go {
            name: "crane",
            package: "github.com/google/go-containerregistry/cmd/crane",
            version: "v0.22.1",
        },
        Step::Go {
            name: "regctl",
            package: "github.com/regclient/regclient/cmd/regctl",
            version: "v0.11.7",
        },
        Step::Go {
            name: "registry",
            package: "github.com/distribution/distribution/v3/cmd/registry",
            version: "v3.1.2",
        },
        Step::Crate {
            name: "ferro-oci-server",
            version: "1.0.0",
            features: "",
        },
    ]
}

/// Returns the clients first: they are needed against the sandbox too.
fn sigstore() -> Vec<Step> {
    let mut steps = vec![
        Step::Pip {
            part: "sigstore",
            packages: &["sigstore==4.5.1", "pypi-attestations==0.0.30"],
        },
        NODE,
        Step::Npm {
            folder: "node",
            packages: &[
                "oauth2-mock-server@9.3.0",
                "@sigstore/verify@4.1.3",
                "@sigstore/bundle@5.0.1",
                "@sigstore/protobuf-specs@0.5.2",
            ],
        },
    ];
    steps.extend([
        Step::Go {
            name: "cosign",
            package: "github.com/sigstore/cosign/v3/cmd/cosign",
            version: "v3.1.3",
        },
        Step::Go {
            name: "sigstore-go-verification",
            package: "github.com/sigstore/sigstore-go/examples/sigstore-go-verification",
            version: "v1.3.0",
        },
    ]);
    steps.extend(sigstore_servers());
    steps
}

fn sigstore_servers() -> [Step; 7] {
    const METRICS: &str = r#"Addr:         ":2112","#;
    [
        Step::GoOnLoopback {
            name: "fulcio",
            module: "github.com/sigstore/fulcio",
            version: "v1.8.8",
            program: ".",
            file: "cmd/app/serve.go",
            listener: r#"Addr:              fmt.Sprintf(":%v", viper.GetString("metrics-port")),"#,
        },
        Step::GoOnLoopback {
            name: "rekor-server",
            module: "github.com/sigstore/rekor",
            version: "v1.5.4",
            program: "./cmd/rekor-server",
            file: "cmd/rekor-server/app/serve.go",
            listener: METRICS,
        },
        Step::GoOnLoopback {
            name: "timestamp-server",
            module: "github.com/sigstore/timestamp-authority/v2",
            version: "v2.1.3",
            program: "./cmd/timestamp-server",
            file: "pkg/server/prometheus.go",
            listener: METRICS,
        },
        Step::Go {
            name: "rekor-tiles",
            package: "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix",
            version: "v2.3.0",
        },
        Step::Go {
            name: "ct_server",
            package: "github.com/google/certificate-transparency-go/trillian/ctfe/ct_server",
            version: "v1.4.0",
        },
        Step::Go {
            name: "createtree",
            package: "github.com/google/trillian/cmd/createtree",
            version: "v1.8.0",
        },
        Step::Trillian,
    ]
}
