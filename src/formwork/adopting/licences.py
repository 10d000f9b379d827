"""Licences: the files that hold one, their texts and their names."""

import re
from collections.abc import Iterable

LICENCES = re.compile(r"(LICEN[CS]E|COPYING)([-.].+)?", re.IGNORECASE)

# What the text of a licence contains, and what only another licence of its family contains.
LICENCE_TEXTS = {
    "MIT": r"^(?!.*Except as contained in this notice).*Permission is hereby granted, free of charge, to any person "
    r"obtaining a copy of this software and associated documentation files",
    "BSD-3-Clause": r"^(?!.*All advertising materials).*Redistribution and use in source and binary forms.*"
    r"Neither the name of",
    "Apache-2.0": r"Apache License,? Version 2\.0, January 2004",
}
LICENCE_NAMES = {
    "mit": "MIT",
    "mitlicense": "MIT",
    "bsd3clause": "BSD-3-Clause",
    "bsd3clauselicense": "BSD-3-Clause",
    "newbsd": "BSD-3-Clause",
    "apache2": "Apache-2.0",
    "apache20": "Apache-2.0",
    "apachelicense20": "Apache-2.0",
    "apachelicenseversion20": "Apache-2.0",
    "apachesoftwarelicense": "Apache-2.0",
    "apachesoftwarelicense20": "Apache-2.0",
    "proprietary": "proprietary",
    "licenserefproprietary": "proprietary",
    "otherproprietarylicense": "proprietary",
}


def licence_files(names: Iterable[str]) -> list[str]:
    """Pick the files that hold a licence."""
    return sorted(name for name in names if LICENCES.fullmatch(name))


def licence_of(text: str) -> str:
    """Return the known licence that a text contains; empty if there is none or more than one."""
    folded = " ".join(text.split())
    found = [name for name, pattern in LICENCE_TEXTS.items() if re.search(pattern, folded)]
    return found[0] if len(found) == 1 else ""


def licence_named(name: str) -> str:
    """Return the known licence that a name or a text means; empty if there is none."""
    key = re.sub(r"[^a-z0-9]+|^the ", "", name.rpartition("::")[2].lower())
    return LICENCE_NAMES.get(key, "") or licence_of(name)
