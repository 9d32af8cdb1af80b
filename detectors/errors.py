"""The errors and warnings of rules, by code, with what `bavn explain` says of each."""

from __future__ import annotations

from typing import Final


class BavnError(Exception):
    """A failure that a user reads: code, one sentence, what to do, and what was seen."""

    def __init__(self, code: str, sentence: str, hint: str = "", evidence: str = "") -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.evidence = evidence


# code -> (title, explanation, hint)
CATALOGUE: Final[dict[str, tuple[str, str, str]]] = {
    "BAVN-E001": (
        "rules cannot be read",
        "The file or directory that was named does not exist, or may not be read.",
        "Check the path and its permissions.",
    ),
    "BAVN-E002": (
        "the batch loop is not built",
        "The compiled part of bavn (detectors._native) is missing, so no packet can be read.",
        "Install the wheel, or build the tree with maturin.",
    ),
    "BAVN-E003": (
        "the plan was refused",
        "The engine could not load the plan: it is damaged, or of another version of bavn.",
        "Compile the rules again with the bavn that runs them.",
    ),
    "BAVN-E010": (
        "not a YAML file",
        "The file is not valid UTF-8, or not valid YAML.",
        "The place named is where reading stopped; the mistake is there or just before.",
    ),
    "BAVN-E011": (
        "duplicate key",
        "A mapping has the same key twice. YAML readers keep the last one in silence, so half of "
        "the rule would be lost.",
        "Merge both into one key with a list, or use another selection.",
    ),
    "BAVN-E012": (
        "YAML feature that rules may not use",
        "Anchors, aliases, merge keys and tags are refused: a few bytes of them expand to "
        "gigabytes, and a reader cannot see what the rule says.",
        "Write the value out.",
    ),
    "BAVN-E013": (
        "a limit of rule files is exceeded",
        "Files, nesting, values and names have limits so that no rule file can exhaust a sensor.",
        "Split the rule, or shorten its lists.",
    ),
    "BAVN-E014": (
        "not a Sigma rule",
        "The document is no mapping, or is neither a rule, a filter nor a correlation.",
        "A rule has at least title, logsource and detection.",
    ),
    "BAVN-E020": (
        "a part of the rule is missing or wrong",
        "A part that every rule needs is missing, or has a value that Sigma does not allow.",
        "See the Sigma rule specification for the part that is named.",
    ),
    "BAVN-E021": (
        "condition cannot be read",
        "The condition does not follow Sigma's grammar: not, and, or, parentheses, "
        "`1 of`, `any of`, `all of`, in lower case. Pipes belonged to an older Sigma.",
        "Write for example: selection and not 1 of filter_*",
    ),
    "BAVN-E022": (
        "the condition names no detection",
        "A name or pattern in the condition fits no detection of the rule. The part would be "
        "left out in silence, and the rule would mean something else.",
        "Names that begin with `_` are not found by patterns.",
    ),
    "BAVN-E023": (
        "unknown modifier",
        "The modifier after `|` is not part of Sigma.",
        "Known: all base64 base64offset cased cidr contains day endswith exists expand fieldref "
        "gt gte hour i lt lte m minute month neq re s startswith utf16 utf16be utf16le week wide "
        "windash year.",
    ),
    "BAVN-E024": (
        "modifier and value do not fit",
        "The modifier cannot be applied to a value of this kind, for example `contains` to a "
        "number, or `cidr` to an address with host bits.",
        "Quote numbers that are meant as text.",
    ),
    "BAVN-E025": (
        "placeholder without a value",
        "The `expand` modifier names a placeholder that nothing gives a value to.",
        "Give its values when the rules are loaded.",
    ),
    "BAVN-E026": (
        "regular expression cannot run",
        "Only expressions that run in linear time are allowed: no look-around, no back-references, "
        "no possessive or atomic groups; and their size is limited.",
        "Use two detections joined by `and` or `and not` in place of a look-around.",
    ),
    "BAVN-E027": (
        "comparison on a field of another type",
        "gt, gte, lt, lte need a number; minute to year need a time. The rule could never match.",
        "See the field table for the types.",
    ),
    "BAVN-E028": (
        "correlation that cannot run",
        "A correlation counts or combines the hits of other rules. What is wrong with it is said: a rule that is not "
        "there or does not run, a field that those rules' events do not have, a number or a timespan out of bounds, "
        "or a circle of correlations.",
        "docs/sigma.md tells what each type of correlation takes.",
    ),
    "BAVN-E029": (
        "rule id used twice",
        "Two rules have the same id; alerts could not be told apart. The first one is kept.",
        "Give the copy a new id (any UUID).",
    ),
    "BAVN-E030": (
        "nobody serves this log source",
        "No event of this sensor comes from the log source that the rule names.",
        "The log sources that are served stand in docs/taxonomy.md.",
    ),
    "BAVN-E031": (
        "unknown field",
        "No table knows the field's name for this log source, so the rule could never match.",
        "Check the spelling; ECS names work in every log source.",
    ),
    "BAVN-E032": (
        "the sensor cannot see this field",
        "The field is known, but it is not visible on the wire (for example the process behind a "
        "connection), and without it the rule can never match.",
        "Use the rule where such logs are collected.",
    ),
    "BAVN-E033": (
        "negated field that the sensor never fills",
        "The rule excludes by a field that the sensor never fills. An absent field makes NOT "
        "true, so the exclusion would never work and the rule would fire too often.",
        "Use the rule where such logs are collected, or exclude by a field of the wire.",
    ),
    "BAVN-E034": (
        "the rule holds always or never",
        "After its parts were worked out, nothing is left that depends on the event.",
        "Look at the values of fields that have a fixed set of values.",
    ),
    "BAVN-E035": (
        "the rule cannot be compiled",
        "The compiler met something in the rule that it did not expect; the rule does not run, all others do.",
        "Look at the rule's values for something unusual, and report the rule.",
    ),
    "BAVN-E040": (
        "the plan cannot be read",
        "The compiled plan is no JSON of the expected shape, or too large.",
        "Compile the rules again.",
    ),
    "BAVN-E041": (
        "the plan is of another version",
        "The plan was compiled for another version of the engine, or is no plan.",
        "Compile the rules with the bavn that runs them.",
    ),
    "BAVN-E042": (
        "the plan was altered",
        "The plan's digest is not that of its content.",
        "Compile the rules again, and find out who changed the file.",
    ),
    "BAVN-E043": (
        "the plan or a rule in it is too big",
        "Plans have limits on rules, predicates, values, leaves and nesting.",
        "Split the rule, or the rule set.",
    ),
    "BAVN-E044": (
        "a rule of the plan has the wrong shape",
        "A key is missing, or a value has the wrong type.",
        "Compile the rules again.",
    ),
    "BAVN-E045": (
        "a rule of the plan names an unknown field",
        "The engine knows no such field: the plan was compiled with another field table.",
        "Compile the rules with the bavn that runs them.",
    ),
    "BAVN-E046": (
        "a rule of the plan has an operation that does not fit",
        "The engine does not know the operation, or its value does not fit it.",
        "Compile the rules with the bavn that runs them.",
    ),
    "BAVN-E047": (
        "the engine refused a regular expression",
        "The expression does not compile in the engine, or grows too large.",
        "Make it shorter; avoid large counted repeats of classes.",
    ),
    "BAVN-E048": (
        "not a network",
        "The value is no network in CIDR notation, or has host bits set.",
        "Write for example 192.0.2.0/24.",
    ),
    "BAVN-E049": (
        "a condition of the plan cannot be read",
        "It names a predicate that the plan lacks, is empty, or nests too deep.",
        "Compile the rules again.",
    ),
    "BAVN-E050": (
        "the event cannot be read",
        "An event given to a rule is not of the form kind, fields, unobserved, or names a field that no event carries.",
        "`bavn events FILE --json` shows events.",
    ),
    "BAVN-E060": (
        "rule test cannot be read",
        "The .test.yml file does not follow the format in docs/rules-tests.md.",
        "Each case has a name and one of event, packets, capture.",
    ),
    "BAVN-E061": (
        "rule test failed",
        "A case that must match did not, or one that must not match did.",
        "`bavn rules explain` shows each part of the rule on an event.",
    ),
    "BAVN-E064": (
        "not a folder that an import may replace",
        "An import replaces its folder as a whole. This one holds files that no import wrote, or files that somebody "
        "changed after their import.",
        "Name another folder with --to; keep rules of your own, and changes, in a folder of your own.",
    ),
    "BAVN-E065": (
        "too many rule files",
        "An import reads a bounded number of files.",
        "Name a folder further down.",
    ),
    "BAVN-E066": (
        "the query language cannot say this",
        "A rule is turned into a query only where the query asks what the engine asks. Correlations, keywords in raw bytes, parts "
        "of times and some expressions have no words there.",
        "Run the rule on captures: bavn scan CAPTURE --rules RULE.",
    ),
    "BAVN-E067": (
        "no rule can be begun from this event",
        "A scaffold asks for text that an event has: a name, a path, a program. This event has none.",
        "Begin from another event: bavn events CAPTURE shows them.",
    ),
    "BAVN-E070": (
        "a detector cannot be made",
        "An installed package names a detector in Python (entry point in the group bavn.detectors) that cannot be imported or "
        "made.",
        "Mend or remove the package; `pip show` tells whose it is.",
    ),
    "BAVN-E071": (
        "no detector runs",
        "A rule is about scores (`service: score`), which only detectors in Python give. They begin with the run, where a rule "
        "then asks for them.",
        "Restart the sensor.",
    ),
    "BAVN-E072": (
        "a detector failed",
        "A detector in Python raised an error. It is set aside until the next start; the others and all rules go on.",
        "Tell its author; the sentence has the error.",
    ),
    "BAVN-E080": (
        "the list cannot be read",
        "The list of indicators does not exist, may not be read, is packed in a way that is not read, or is damaged.",
        "Check the path and its permissions; unpack what is not gzip.",
    ),
    "BAVN-E081": (
        "a line is no text",
        "Lists are UTF-8. A line that is not, or that holds a zero byte, is left out.",
        "Convert the list (iconv -t UTF-8), or mend the line.",
    ),
    "BAVN-E082": (
        "a line is too long",
        "No line of a list is longer than 64 KiB; such a line is left out, whatever its length.",
        "Put one indicator on a line; of a JSON document make lines: jq -c '.[]' LIST",
    ),
    "BAVN-E083": (
        "too many indicators",
        "A list has at most 1 GiB unpacked and 8 million lines, a store at most 4 million indicators, so that no list can exhaust a sensor.",
        "Split the list, or remove what has ended: bavn ioc rm --expired",
    ),
    "BAVN-E084": (
        "no column holds indicators",
        "A CSV list says in its first line, or in the comment before it, what its columns are called: indicator, value, "
        "ioc, ip, domain, url, sha256 and the like.",
        "Name the column in the first line, or give one value a line.",
    ),
    "BAVN-E085": (
        "a line is no JSON object",
        "JSON Lines have one object a line.",
        "Make lines of a document: jq -c '.[]' LIST",
    ),
    "BAVN-E086": (
        "no indicator",
        "The value is no address, network, URL, fingerprint or digest, nor a name with a dot in it (a top-level name "
        "would match half the Internet).",
        "Say what it is with --type or a type column, or mend the line.",
    ),
    "BAVN-E087": (
        "the value is not of its type",
        "The list or --type says what the value is, and it is not.",
        "Mend the type or the value.",
    ),
    "BAVN-E088": (
        "a type that traffic cannot show",
        "Registry keys, mutexes and the like are never on the wire.",
        "Leave such lines out; they do no harm.",
    ),
    "BAVN-E089": (
        "not a time",
        "An end is a date (2027-01-31), a time (RFC 3339), seconds since 1970, or a span from now on (90d, 12h).",
        "Write it in one of these forms.",
    ),
    "BAVN-E090": (
        "no mark of the Traffic Light Protocol",
        "TLP 2.0 has CLEAR, GREEN, AMBER, AMBER+STRICT and RED; WHITE is read as CLEAR.",
        "Use one of them.",
    ),
    "BAVN-E091": (
        "no confidence",
        "Confidence is a number from 0 to 100, or none, low, medium, high.",
        "Write it in one of these forms.",
    ),
    "BAVN-E092": (
        "the network is too broad",
        "A network of more than a 256th of IPv4 (/8), or a prefix shorter than /16 of IPv6, would match everywhere.",
        "Name the networks that are meant.",
    ),
    "BAVN-E093": (
        "the line does not fit the header",
        "A line of CSV has as many cells as the header, and its quotes are closed on the same line.",
        "Mend the line.",
    ),
    "BAVN-E094": (
        "the indicators cannot be kept",
        "The home's indicators.db cannot be opened or written, or is no database.",
        "Check the disk and its permissions; a damaged file can be moved away and the lists imported again.",
    ),
    "BAVN-E095": (
        "the set of indicators was refused",
        "The compiled set is damaged, cut, or of another version of bavn; nothing of it is used.",
        "Make it anew with any change of what is kept, such as: bavn ioc rm --expired",
    ),
    "BAVN-W001": (
        "part of the rule can never hold",
        "A branch of the rule needs a field that this sensor cannot see; the other branches work.",
        "Nothing to mend where the rule is shared with other sensors.",
    ),
    "BAVN-W002": (
        "rule without id",
        "The rule has no id; one was made from its title and log source. It changes with them.",
        "Add `id:` with any UUID.",
    ),
    "BAVN-W003": (
        "detection is not used",
        "The condition never mentions this detection.",
        "Use it in the condition, or remove it.",
    ),
    "BAVN-W004": (
        "YAML reads this value as something else",
        "YAML 1.1 reads yes, no, on, off as booleans, 010 as eight and 1:30 as ninety.",
        "Quote the value.",
    ),
    "BAVN-W005": (
        "filter fits no rule",
        "The filter's log source or rule list fits none of the rules that were loaded with it.",
        "Check `rules:` and `logsource:` of the filter.",
    ),
    "BAVN-W006": (
        "value can never be equal",
        "The field holds addresses only, or a fixed set of values, and this value is none of them.",
        "Check the value.",
    ),
    "BAVN-W007": (
        "too broad",
        "On traffic that is known to be benign a rule may match one event in a hundred of its kinds; one of level high or critical none.",
        "Ask for more, exclude what is harmless, or lower the level.",
    ),
    "BAVN-W008": (
        "the rule's passport is not complete",
        "A passport tells what a rule is for, which data it touches (header, metadata or payload), who owns it and until when it holds.",
        "Add `passport:` with purpose, data, owner and expiry.",
    ),
    "BAVN-W009": (
        "the rule has expired",
        "The day in the rule's passport has passed: somebody should look whether it is still needed, and still right.",
        "Renew `expiry` in the passport, or retire the rule.",
    ),
    "BAVN-W010": (
        "a key that nobody reads",
        "A key at the top of a rule looks like one of Sigma's, but is not: a slip of the pen, and what stands there has no effect.",
        "Correct the key. Keys of your own that look like none of Sigma's are left alone.",
    ),
    "BAVN-W020": (
        "kept out by a warning list",
        "The indicator stands for something that everybody uses, or for nothing at all: a public resolver, a private range, "
        "a name for documents, a service under which everybody has a name. It is kept and shown, and never matches.",
        "See why: bavn ioc ls --kept-out. Your own entries: bavn ioc warn.",
    ),
}
