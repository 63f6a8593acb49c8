"""Hold a CycloneDX 1.6 document to its published schema: bom.py FILE."""

import sys
from pathlib import Path

from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator

error = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text())
sys.exit(str(error)[:500] if error else 0)
