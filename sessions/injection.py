"""Sentences that give orders to whoever reads them, as text planted in a transcript does. Pure, and linear in the length
of the text: every repeat is bounded.

Daylight looks for them twice: a dream before it repeats what it read, and the scanner before a proposal is filed.
"""

import re

_MODEL = r"(?:ai|llms?|(?:large\s+)?language\s+models?|(?:ai\s+)?(?:assistants?|agents?|bots?|models?))"
_RULES = r"(?:instructions?|rules?|prompts?|polic(?:y|ies)|guidelines?|guardrails?)"
_CHECK = (
    r"(?:reviews?|approvals?|confirmations?|verification|consent|authori[sz]ation|signatures?"
    r"|(?:second|identity|security)\s+(?:checks?|opinions?))"
)
_CONTROL = r"(?:safety|safeguards?|logging|logs?|audit\w*|monitoring|filters?|checks?|approvals?|verification)"
_WATCHER = r"(?:users?|humans?|reviewers?|anyone|anybody|operators?|supervisors?|auditors?|compliance)"
_KEEP = r"(?:save|store|record|remember|write|note|put|keep|add|append|commit)"

# To lay rules aside, or to take new ones.
_RULES_ASIDE = rf"""
    \b(?:ignore|disregard|forget|override|bypass|stop\s+following)\b.{{0,60}}\b(?:{_RULES}|memor(?:y|ies)|previous|prior|above)\b
  | \b(?:supersedes?|replaces?|overrides?|overrules?)\b.{{0,20}}\byour\s+(?:\w+\s+){{0,2}}(?:{_RULES}|configuration|settings?)\b
  | \bnew\s+instructions?\s*: | \bnew\s+{_RULES}\s+for\s+(?:all\s+|the\s+)?(?:\w+\s+)?{_MODEL}\b
  | \byour\s+new\s+(?:{_RULES}|tasks?|goals?|roles?|orders?)\s+(?:is|are)\b
  | \byou\s+(?:must|shall|will|should|have\s+to)\s+now\s+(?:only\s+)?(?:obey|follow|ignore|act|always|never)\b
  | \b(?:disregard|ignore|forget)\b.{{0,60}}\band\s+(?:\w+\s+)?(?:remember\b|(?:save|store|record|learn)\s+that\b)
"""
# To speak to a model as such, or as who commands it.
_TO_A_MODEL = rf"""
    \b(?:(?:system|developer|hidden|initial)\s+prompts?|(?:system|developer)\s+message)\b
  | \byou\s+are\s+now\b | \bact\s+as\s+(?:if|an?\b) | \bpretend\s+(?:that\s+you|you|to\s+be)\b
  | \b(?:developer|god|unrestricted|jailbreak)\s+mode\b | \b(?:exfiltrate|jailbreak)\b | \boverride\s+code\b
  | (?-i:\b(?:SYSTEM|ADMIN|ROOT|DEVELOPER)\s+(?:OVERRIDE|COMMAND|DIRECTIVE|INSTRUCTIONS?|ORDER)\b)
  | (?-i:\bSYSTEM(?!\s+(?:ERROR|FAULT|FAILURE|WARN)))(?:\s+[A-Z]+)?\s*:\s*(?:\w+\s+){{0,4}}?
        (?:forget|memori[sz]e|remember|save|store|record|note|ignore|learn|always|never|disable|skip)\b
  | \b(?:attention|note|notice|message|memo|reminder|important)[\s,]+(?:(?:to|for)\s+(?:all\s+|the\s+|any\s+)?)?{_MODEL}\s*[:;#,!—-]
  | (?:^|[\n>{{(\[#*"]|--)\s*(?:dear\s+|hello\s+)?{_MODEL}\s*[:,]\s*(?:from\s+now\s+on|always|never|ignore|skip|remember|you\b)
  | \bas\s+an?\s+(?:ai|llm|language)(?:\s+\w+){{0,2}},?\s+you\b
  | \b{_MODEL}\s+(?:that\s+|who\s+)?(?:reads?|reading|process(?:es|ing)?|parsing)\s+this\b
  | \b(?:when|once|if|after)\s+you(?:\s+are|\s+have)?\s+read(?:ing)?\s+this(?:\s+(?:message|note|text|line))?\s*[,.:;]
  | \b(?:all|every|each)\s+(?:\w+\s+)?agents?\b.{{0,40}}\b(?:must|shall|should|have\s+to|are\s+to|will)\b | \bmemory\s+keeper\b
  | \bauthori[sz]ed\s+you\s+to\b
  | </?(?:system|instructions?|assistant|tool_call|im_start|im_end|memory)\b | <\|[a-z_]+\|>
  | \[\[?/?(?:inst|system|assistant|developer|admin)[\]:]
"""
# To keep things from those who watch.
_SECRECY = rf"""
    \b(?:do\s+not|don['’]?t|never)\s+(?:tell|inform|mention|reveal|show|report|let)\b.{{0,40}}\b{_WATCHER}\b
  | \bdo\s+not\s+(?:tell|inform)\b | \b(?:do\s+not|don['’]?t)\s+log\s+(?:this|it|that)\b
  | \b(?:tell|inform|alert|notify)\s+(?:no[\s-]?one|nobody)\b | \bhide\s+(?:this|it|that)\s+from\b
  | \bkeep\s+(?:(?:this|it|that)\s+)?(?:quiet\s+about|secret\s+from|between\s+(?:us|you)|to\s+yourself)\b
  | \b(?:delete|wipe|erase|clear|purge)\s+(?:the\s+|all\s+)?audit\b
"""
# To take controls away.
_CONTROLS_OFF = rf"""
    \b(?:disable|deactivate|turn\s+off|switch\s+off|suspend)\b.{{0,30}}\b{_CONTROL}\b
  | \b{_CONTROL}\b.{{0,30}}\bbe\s+(?:disabled|turned\s+off|switched\s+off|skipped)\b
  | \b(?:approve|accept)\b.{{0,30}}\b(?:this|the|every|all|any)\b.{{0,20}}\b(?:proposals?|changes?|memor(?:y|ies)|requests?|claims?)\b
  | \balways\s+(?:approve|accept)\b
  | \bno\s+(?:further\s+)?(?:checks?|approvals?|reviews?|verification)\s+(?:is\s+|are\s+)?(?:needed|required|necessary)\b
  | \b(?:send|e-?mail|post|forward|upload|reveal|share|leak|give)\b.{{0,60}}
        (?:<url>|<email>|https?:|\b[\w.+-]+@[\w-]+\.|\b(?:passwords?|secrets?|tokens?|credentials?|api[\s_.-]?keys?|customer\s+data)\b)
"""
# To make a memory of it.
_REMEMBER = rf"""
    \b{_KEEP}\b.{{0,40}}\b(?:in|into|to|as)\s+(?:a\s+|an\s+|your|its|our|the|agents?['’]?s?)?\s*(?:new\s+|shared\s+)?
        (?:(?:long-term|permanent)(?:\s+(?:memory|lessons?|knowledge|notes?))?|lessons?)\b
  | \b{_KEEP}\b.{{0,40}}\b(?:in|into|to)\s+(?:your|its|our|agents?['’]?s?)\s+(?:\w+\s+)?memor(?:y|ies)\b
  | \b(?:save|store|remember|keep)\b.{{0,30}}\bpermanently\b | \bpermanent(?:ly)?\s+(?:save|store|remember|memory)\b
  | \bmemory(?:\s+(?:system|module|manager|service|store|bank|agent))?\b\s*[,:].{{0,40}}\b(?:{_KEEP}|learn)\b
  | \b(?:remember|note|keep|store|save)\b.{{0,40}}\bfor\s+(?:all|every|each|other)\s+(?:\w+\s+)?agents?\b
  | \bmemori[sz]e\s+(?:that|this|the\s+following)\b
  | \b(?:store|save|adopt|learn|remember)\s+the\s+following\s+(?:facts?|{_RULES})\b
"""
_ORDER = re.compile(
    "|".join((_RULES_ASIDE, _TO_A_MODEL, _SECRECY, _CONTROLS_OFF, _REMEMBER)), re.IGNORECASE | re.VERBOSE | re.DOTALL
)
_UNCHECKED = re.compile(
    rf"\b(?:without(?!\s+(?:my|our)\b)|no\s+need\s+for|needs?\s+no|skip(?:ping)?|waive)\b[^.!?\n]{{0,30}}\b{_CHECK}\b",
    re.IGNORECASE,
)
# "Never release it without approval" asks for the approval.
_REFUSED_BEFORE = re.compile(
    r"\b(?:never|not|no|nobody|cannot|can['’]?t|don['’]?t|mustn['’]?t|may\s+not|refuse[sd]?)\b[^.!?\n]{0,60}$",
    re.IGNORECASE,
)
_SENTENCE = 70


def gives_orders(text: str) -> bool:
    """Whether a text tells its reader to lay rules or controls aside, to keep secrets, or what to remember."""
    return bool(_ORDER.search(text)) or any(
        not _REFUSED_BEFORE.search(text[max(0, found.start() - _SENTENCE) : found.start()])
        for found in _UNCHECKED.finditer(text)
    )
