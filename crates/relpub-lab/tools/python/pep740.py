"""PEP 740 by pypi-attestations: its program has no option for a trusted root.

    pep740.py sign    TRUST_CONFIG TOKEN FILE       writes FILE.publish.attestation
    pep740.py verify  TRUST_CONFIG FILE IDENTITY ATTESTATION
    pep740.py publish TRUST_CONFIG FILE REPOSITORY WORKFLOW PROVENANCE

`publish` judges every attestation of a provenance object, as the integrity API
hands it out, for a publisher that the caller states.
"""

import sys
from pathlib import Path

from pypi_attestations import Attestation, Distribution, GitHubPublisher, Provenance
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

ISSUER = "https://token.actions.githubusercontent.com"

what, trust, *rest = sys.argv[1:]
config = ClientTrustConfig.from_json(Path(trust).read_text())
# pypi-attestations asks for the production verifier, whatever the world is
Verifier.production = classmethod(lambda cls, offline=False: cls(trusted_root=config.trusted_root))

if what == "sign":
    token, file = rest
    with SigningContext.from_trust_config(config).signer(IdentityToken(token, "sigstore")) as signer:
        made = Attestation.sign(signer, Distribution.from_file(Path(file)))
    Path(f"{file}.publish.attestation").write_text(made.model_dump_json())
elif what == "verify":
    file, identity, attestation = rest
    made = Attestation.model_validate_json(Path(attestation).read_text())
    print(made.verify(Identity(identity=identity, issuer=ISSUER), Distribution.from_file(Path(file))))
elif what == "publish":
    file, repository, workflow, provenance = rest
    publisher = GitHubPublisher(repository=repository, workflow=workflow)
    bundles = Provenance.model_validate_json(Path(provenance).read_text()).attestation_bundles
    found = [attestation for bundle in bundles for attestation in bundle.attestations]
    assert found, "there is no attestation"
    for attestation in found:
        print(attestation.verify(publisher, Distribution.from_file(Path(file))))
