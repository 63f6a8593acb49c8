//! The real projects whose published wheels are promoted once more.

use clap::ValueEnum;

/// A real project, as one release of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Project {
    /// Rerun 0.28.1: four large wheels with native code, about 450 MB.
    Rerun,
    /// `OpenLLM` 0.4.44: three pure wheels of three PyPI projects.
    Openllm,
}

/// A wheel as PyPI has had it since its release: a file there never changes.
pub(crate) struct Wheel {
    /// The name of its PyPI project.
    pub(crate) project: &'static str,
    /// Its file name.
    pub(crate) file: &'static str,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: &'static str,
}

impl Project {
    /// Returns the name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rerun => "rerun",
            Self::Openllm => "openllm",
        }
    }

    /// Returns the repository on GitHub as `owner/name`.
    pub(crate) fn repository(self) -> &'static str {
        match self {
            Self::Rerun => "rerun-io/rerun",
            Self::Openllm => "bentoml/OpenLLM",
        }
    }

    /// Returns the version of all wheels.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Rerun => "0.28.1",
            Self::Openllm => "0.4.44",
        }
    }

    /// Returns the tag, which the two projects spell differently.
    pub(crate) fn tag(self) -> String {
        match self {
            Self::Rerun => self.version().to_owned(),
            Self::Openllm => format!("v{}", self.version()),
        }
    }

    /// Returns a commit to put the wheels under: a label, not the real one.
    pub(crate) fn commit(self) -> &'static str {
        match self {
            Self::Rerun => "6e4ddaf10c2b7f5e93d846a1b05c7e2f9a3d4b68",
            Self::Openllm => "2d81f6b7a94e3c05d6187fb2e09c5a4483f1e7d0",
        }
    }

    /// Returns the folder of the commit inside the bucket.
    pub(crate) fn prefix(self) -> String {
        format!("commit/{}", &self.commit()[..7])
    }

    /// Returns the wheels; the names of their PyPI projects may repeat.
    pub(crate) fn wheels(self) -> &'static [Wheel] {
        match self {
            Self::Rerun => &RERUN,
            Self::Openllm => &OPENLLM,
        }
    }

    /// Returns the `relpub.toml` that promotes the bucket beside it.
    pub(crate) fn config(self) -> &'static str {
        match self {
            Self::Rerun => RERUN_CONFIG,
            Self::Openllm => OPENLLM_CONFIG,
        }
    }
}

const RERUN: [Wheel; 4] = [
    Wheel {
        project: "rerun-sdk",
        file: "rerun_sdk-0.28.1-cp310-abi3-win_amd64.whl",
        size: 105_707_482,
        sha256: "04e70610090dee4128b404a7f010c3b25208708c9dd2b0a279dbd27a69ccf453",
    },
    Wheel {
        project: "rerun-sdk",
        file: "rerun_sdk-0.28.1-cp310-abi3-manylinux_2_28_x86_64.whl",
        size: 123_828_354,
        sha256: "330ff7df6bcc31d45ccea84e8790b8755353731230c036bfa33fed53a48a02e7",
    },
    Wheel {
        project: "rerun-sdk",
        file: "rerun_sdk-0.28.1-cp310-abi3-manylinux_2_28_aarch64.whl",
        size: 115_949_311,
        sha256: "af0631b2598c7edb1872b42ec67ff04ff07bda60db6a4f9987821e4628271cbb",
    },
    Wheel {
        project: "rerun-sdk",
        file: "rerun_sdk-0.28.1-cp310-abi3-macosx_11_0_arm64.whl",
        size: 108_152_262,
        sha256: "efc4534ad2db8ec8c3b3c68f5883537d639c6758943e1ee10cfe6fb2022708e5",
    },
];

const OPENLLM: [Wheel; 3] = [
    Wheel {
        project: "openllm-core",
        file: "openllm_core-0.4.44-py3-none-any.whl",
        size: 72_677,
        sha256: "7ee775980b4864b20906a7a6866e022e04ba8103977f88f30c259af4216b9be6",
    },
    Wheel {
        project: "openllm-client",
        file: "openllm_client-0.4.44-py3-none-any.whl",
        size: 19_196,
        sha256: "397505563689eca15b96695aa5559b0417601a1488ed00b240934004e2fe0746",
    },
    Wheel {
        project: "openllm",
        file: "openllm-0.4.44-py3-none-any.whl",
        size: 123_349,
        sha256: "56eed57b66235128607b8769dda7e4c8487c0c16435a982895071418eed2c6b9",
    },
];

const RERUN_CONFIG: &str = r#"# Rerun's wheels, from the bucket of its build jobs to PyPI and GitHub.
repository = "rerun-io/rerun"
tag        = "{version}"
create-tag = true

[source]
from     = "file:bucket/commit/{commit:7}"
manifest = "manifest.json"

[platforms]
windows-x64 = "x86_64-pc-windows-msvc"
linux-x64   = "x86_64-unknown-linux-gnu"
linux-arm64 = "aarch64-unknown-linux-gnu"
macos-arm64 = "aarch64-apple-darwin"

# {wheel} stands for the wheel tags of each platform: four files, one for each.
[[artifacts]]
files = "wheels/rerun_sdk-*-{wheel}.whl"
to    = ["pypi", "github"]
"#;

const OPENLLM_CONFIG: &str = r#"# OpenLLM's wheels, which are three projects on PyPI.
repository = "bentoml/OpenLLM"
create-tag = true

[source]
from     = "file:bucket/commit/{commit:7}"
manifest = "manifest.json"

[[artifacts]]
files = "wheels/openllm{_core,_client,}-{version.pep440}-py3-none-any.whl"
to    = ["pypi", "github"]
"#;
