"""Secrets are taken out, and what only looks like one stays."""

import json
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import redaction
from sessions.redaction import redact, redact_json

PEM = "\n".join(
    ["-----BEGIN RSA PRIVATE KEY-----", "MIIEowIBAAKCAQEA04up8hoqzS1+APIB0RhjXyObwHQnOzhAk5Bd7mhkSbPkyhP1"]
    + ["iWlX9HNavcydATJc1f0DpzF0u4zY8PY24RVoW8vk+bJANPp1o2IAkeajCaF3w9nf"] * 3
    + ["abc=", "-----END RSA PRIVATE KEY-----"]
)
SECRETS = [
    ("sk-ant-api03-AbCdEf0123456789abcdefGH", "api_key"),
    ("sk-proj-AbCdEf0123456789abcdefGH", "api_key"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "api_key"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "api_key"),
    ("xoxb-123456789012-abcdefABCDEF", "api_key"),
    ("AKIAIOSFODNN7EXAMPLE", "api_key"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "api_key"),
    ("glpat-abcdefghij1234567890", "api_key"),
    ("dl_0123456789ab_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "api_key"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "jwt"),
    (PEM, "private_key"),
    ("4111111111111111", "card"),
    ("5555 5555 5555 4444", "card"),
    ("6011-1111-1111-1117", "card"),
    ("378282246310005", "card"),
    ("3782 822463 10005", "card"),
]
ASSIGNED = [
    ('{"password": "%s"}', "hunter2", "password"),
    ('{"user_password":"%s", "x": 1}', "it's a1", "password"),
    ('{\\"password\\": \\"%s\\"}', "hunter2", "password"),
    ('"password": "%s"', "$ecret1", "password"),
    ("{'passwd': '%s'}", "opensesame", "password"),
    ("PASSWORD=%s ./run", "hunter", "password"),
    ("export DB_PASSWORD=%s", "correcthorse", "password"),
    ("password: %s\n", "hunter2", "password"),
    ("mysql --password %s -u root", "opensesame", "password"),
    ("tool --db-password=%s", "opensesame", "password"),
    ("https://host/login?user=a&password=%s&x=1", "opensesame", "password"),
    ("my password is %s.", "hunter2", "password"),
    ("no such row (login clerk password %s)", "Qx!7K3tbn2vv", "password"),
    ("login clerk password %s", "Qx!tWDhsbnvv", "password"),
    ("login clerk, pwd %s, and go on", "Autumn26xy", "password"),
    ('password: str = "%s"', "hunter2", "password"),
    ("<password>%s</password>", "hunter2", "password"),
    ("API_KEY=%s", "abc12345", "secret"),
    ('"client_secret": "%s"', "abcDEF123456", "secret"),
    ('"apiKey": "%s"', "abcDEF123456", "secret"),
    ("X-API-Key: %s", "1234567890abcdef", "secret"),
    ("aws_secret_access_key = %s", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "secret"),
    ("access_token=%s", "a1b2c3d4e5f6g7", "secret"),
    ("Authorization: Bearer %s", "abc123def456ghi789", "authorization"),
    ('{"Authorization": "Basic %s"}', "dXNlcjpwYXNz", "authorization"),
    ("curl -H 'authorization: token %s'", "abc123def456", "authorization"),
    ("postgres://app:%s@db:5432/x", "p4ss", "url_password"),
    ("git clone https://me:%s@host.example/r.git", "opensesame", "url_password"),
]
INNOCENT = [
    "forgot password Reset-2024, password policy2 applies, password must have 8 characters, password Minimum 8",
    "order #W2378156, item 1008292230, $1,299.99, 4 keyboards",
    "550e8400-e29b-41d4-a716-446655440000",
    "commit 4111111111111111aaaaaaaaaaaaaaaaaaaaaaaa 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "0.4111111111111111 -4111111111111111e3 1700000000000 20260303093000",
    "4111111111111112 is no card: its check digit is wrong",
    "password = models.CharField(max_length=128)",
    "def test_token(self, token, password=None):",
    "authenticate(username=username, password=password)",
    "token = self.tokens[0]; token: str; secret = None",
    "password = form.cleaned_data['password']",
    "if 'password' in params: raise ValueError",
    "Enter your password: it is required. Password reset token.",
    'print("password:", password)',
    "PASSWORD=$DB_PASSWORD --password ${PASS} password=<your-password> token: {{ token }} secret: ****",
    "PWD=/srv/app1 OLDPWD=/tmp",
    "next_page_token: abcdefghij0123456789",
    "sk-learn-contrib-is-a-word-list-of-parts task-force-one-two-three-four",
    "https://example.com:8080/a@b http://localhost:5432",
    "the secret of a token gesture",
    "[redacted:card] password: [redacted:password]",
    "-----BEGIN PRIVATE KEY----- begins such a file",
]


@pytest.mark.parametrize(("secret", "kind"), SECRETS)
@pytest.mark.parametrize("frame", ["%s", "use %s, please", "a\n%s\nb", '{"note": "it is %s"}', "x=%s;"])
def test_a_secret_of_known_form_is_taken_out(secret, kind, frame):
    text, counts = redact(frame % secret)
    assert text == frame % f"[redacted:{kind}]"
    assert counts == {kind: 1}


@pytest.mark.parametrize(("frame", "secret", "kind"), ASSIGNED)
def test_a_secret_with_a_name_is_taken_out_and_its_name_stays(frame, secret, kind):
    text, counts = redact(frame % secret)
    assert text == frame % f"[redacted:{kind}]"
    assert counts == {kind: 1}


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text):
    assert redact(text) == (text, {})


@pytest.mark.parametrize(("secret", "kind"), SECRETS)
def test_redacted_text_has_nothing_left_to_redact(secret, kind):
    once, _ = redact(f"password={secret} {secret}")
    assert redact(once) == (once, {})


@pytest.mark.parametrize(
    "value",
    [
        {"card": 4111111111111111, "cards": [4111111111111111, "4111 1111 1111 1111"]},
        {"password": 'a"b\\c1', "nested": {"password": 12345, "token": "abc12345"}},
        {"command": 'export PASSWORD="hunter2"\ncurl https://u:p@h/ -H "Authorization: Bearer abc123def456ghi789"'},
        {"sk-ant-api03-AbCdEf0123456789abcdefGH": 1, "sk-ant-api03-AbCdEf0123456789abcdefGI": 2},
        {"config": json.dumps({"password": "hunter2", "card": 4111111111111111})},
    ],
)
def test_serialised_values_stay_well_formed(value):
    text, counts = redact_json(json.dumps(value, ensure_ascii=False))
    redacted = json.loads(text)
    assert len(redacted) == len(value)
    assert sum(counts.values()) >= 2
    assert not any(secret in text for secret in ("411111", "hunter2", "abc12345", "12345", "AbCdEf", "abc123def"))
    if "config" in value:
        json.loads(redacted["config"])


@given(st.text())
def test_text_without_hints_is_untouched_and_redaction_settles(text):
    once, counts = redact(text)
    assert counts or once == text
    assert redact(once)[0] == once


@given(
    before=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\\")),
    after=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\\")),
    password=st.from_regex(r"[A-Za-z0-9!#^*+$=/~.,:-]{6,30}", fullmatch=True).filter(lambda text: "://" not in text),
)
def test_a_password_in_json_is_found_whatever_surrounds_it(before, after, password):
    value = {"a": before, "password": password + "q7", "b": after}
    redacted = json.loads(redact_json(json.dumps(value))[0])
    assert redacted["password"] == "[redacted:password]"
    assert redacted.keys() == value.keys()


HOSTILE = [
    "password=",
    'password="',
    'password:\\"',
    "eyJ",
    "eyJa.",
    "sk-",
    "://a:",
    "://",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nA: ",
    "4111 ",
    "4111-1111-",
    "4",
    "authorization: ",
    "authorization bearer ",
    "--a-password",
    "<password>",
    "token ",
    " \\n",
    "\\",
    '"',
    "A" * 30,
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_on_hostile_text(piece):
    """2 MB, with every rule tried: about a second, where backtracking would take days."""
    hints = " PRIVATE KEY sk- eyJ authorization :// password token " + "4" * 14
    text = piece * (2_000_000 // len(piece)) + hints
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 8


PIECES = [
    *(secret for secret, _ in SECRETS),
    *(frame % secret for frame, secret, _ in ASSIGNED),
    *INNOCENT,
    *("sk-", "rk_live_", "gh", "p_", "x", "o", "A", "IA", "eyJ", "pass", "word", "wd", "api", "-", "_", " ", "key"),
    *("token", "Bearer ", "Secret", "=", ":", "://", "@", "0.", "4111111111111111", "4111", "1111", ".", "\\n", "\n"),
    *('"', "\\", "\x01", "é", "a" * 400),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_rule_is_left_out_that_would_change_the_text(text):
    """The search for hints only saves time: with every rule tried, the same comes out."""
    counts: redaction.Counts = Counter()
    redacted = text
    for rule in redaction.RULES:
        redacted = rule.apply(redacted, counts)
    assert redact(text) == (redacted, dict(counts))


@given(
    st.recursive(
        st.lists(st.sampled_from(PIECES), max_size=5).map("".join) | st.integers(0, 10**17) | st.just(4111111111111111),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["password", "token", "a", "api_key"]), inner, max_size=3)
        ),
    )
)
def test_serialised_json_hides_no_secret_from_the_search(value):
    text = json.dumps(value, ensure_ascii=False)
    counts: redaction.Counts = Counter()
    redacted = redaction.redact_value(value, counts)
    expected = (json.dumps(redacted, ensure_ascii=False), dict(counts)) if counts else (text, {})
    assert redact_json(text) == expected


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), max_size=4))
def test_what_is_suspected_of_a_text_is_suspected_of_all_texts_joined(texts):
    joined = {rule.may_hold for rule in redaction.suspected("\n".join(texts).encode())}
    for text in texts:
        assert joined >= {rule.may_hold for rule in redaction.suspected(text.encode())}
