"""Who may do what, as it is given and taken, and what of accounts stands in the record."""

from io import StringIO

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from audit.actors import Actor
from audit.models import Entry
from audit.people import NotChanged, deactivate, grant_role, revoke_role
from audit.roles import roles_of
from dreaming.accounts import MANY_FAILURES
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_failed_yet(db) -> None:
    cache.clear()


def said(subject: object) -> list[tuple[str, str, dict]]:
    return [
        (entry.action, entry.actor_name, entry.data)
        for entry in Entry.objects.filter(subject=f"user:{subject.pk}").order_by("seq")
    ]


def press(client, name: str, user: User, **form: str):
    return client.post(reverse(f"reviews:{name}", args=[user.pk]), form, follow=True)


def test_an_admin_gives_and_takes_roles_and_each_is_one_entry(client, adam, rita):
    client.force_login(adam)
    press(client, "grant_role", rita, role="auditor")
    assert roles_of(User.objects.get(pk=rita.pk)) == {"reviewer", "auditor"}
    press(client, "revoke_role", rita, role="reviewer")
    assert roles_of(User.objects.get(pk=rita.pk)) == {"auditor"}
    assert said(rita) == [
        ("role.granted", "adam", {"role": "auditor", "roles": ["auditor", "reviewer"]}),
        ("role.revoked", "adam", {"role": "reviewer", "roles": ["auditor"]}),
    ]


def test_what_changes_nothing_is_not_recorded(client, adam, rita):
    client.force_login(adam)
    assert "is reviewer already" in press(client, "grant_role", rita, role="reviewer").content.decode()
    assert "is not admin" in press(client, "revoke_role", rita, role="admin").content.decode()
    assert "is no role" in press(client, "grant_role", rita, role="root").content.decode()
    assert not Entry.objects.exists()


def test_nobody_changes_their_own_account(client, adam):
    make_user("ada", "admin")
    client.force_login(adam)
    for name, form in (
        ("grant_role", {"role": "reviewer"}),
        ("revoke_role", {"role": "admin"}),
        ("deactivate_user", {}),
    ):
        assert "Nobody changes their own" in press(client, name, adam, **form).content.decode()
    assert roles_of(User.objects.get(pk=adam.pk)) == {"admin"}
    assert not Entry.objects.exists()


def test_the_last_admin_stays_an_admin(adam):
    line = Actor.system("command line")
    for change in (
        lambda: revoke_role(user_id=adam.pk, role="admin", actor=line),
        lambda: deactivate(user_id=adam.pk, actor=line),
    ):
        with pytest.raises(NotChanged, match="last admin"):
            change()
    ada = make_user("ada", "admin")
    deactivate(user_id=ada.pk, actor=line)
    with pytest.raises(NotChanged, match="last admin"):
        revoke_role(user_id=adam.pk, role="admin", actor=line)


def test_an_admin_who_is_one_no_more_changes_nothing(adam, rita):
    actor = Actor.user(adam)
    adam.groups.clear()
    with pytest.raises(NotChanged, match="Only an admin"):
        grant_role(user_id=rita.pk, role="admin", actor=actor)


def test_who_is_deactivated_is_signed_out_and_may_come_back(client, adam, rita):
    theirs = Client()
    theirs.force_login(rita)
    client.force_login(adam)
    press(client, "deactivate_user", rita)
    assert theirs.get("/").status_code == 302
    assert theirs.get("/")["Location"].startswith("/accounts/login/")
    press(client, "activate_user", rita)
    assert theirs.get("/").status_code == 200
    assert [action for action, *_ in said(rita)] == ["user.deactivated", "user.activated"]


def test_auditors_read_the_page_and_find_no_buttons(client, aude, rita):
    client.force_login(aude)
    page = client.get(reverse("reviews:people")).content.decode()
    assert "rita" in page
    assert "Deactivate" not in page


def run(*arguments: str, **options: str) -> str:
    out = StringIO()
    call_command("people", *arguments, **options, stdout=out)
    return out.getvalue()


def test_the_command_does_the_same_and_says_who_there_is(adam, rita):
    assert run("grant", "rita", role="auditor") == "rita: auditor, reviewer; never logged in\n"
    assert run("deactivate", "rita") == "rita: deactivated; never logged in\n"
    assert run() == "adam: admin; never logged in\nrita: deactivated; never logged in\n"
    assert [(action, who) for action, who, _ in said(rita)] == [
        ("role.granted", "command line"),
        ("user.deactivated", "command line"),
    ]
    with pytest.raises(CommandError, match="last admin"):
        run("deactivate", "adam")
    with pytest.raises(CommandError, match="no user"):
        run("deactivate", "nobody")
    with pytest.raises(CommandError, match="Write: people grant NAME --role ROLE"):
        run("grant", "rita")


def test_a_changed_password_is_on_the_record_and_a_refused_one_is_not(client, rita):
    client.force_login(rita)
    new = {"password1": "a-new-long-password", "password2": "a-new-long-password"}
    client.post("/accounts/password/change/", {"oldpassword": "wrong", **new})
    assert said(rita) == []
    client.post("/accounts/password/change/", {"oldpassword": "rita-password", **new})
    assert said(rita) == [("user.password_changed", "rita", {})]
    assert User.objects.get(pk=rita.pk).check_password("a-new-long-password")


def sign_in(client, name: str, password: str):
    return client.post("/accounts/login/", {"login": name, "password": password})


def add_second_factor(client) -> None:
    client.post("/accounts/reauthenticate/", {"password": "rita-password"})
    client.get("/accounts/2fa/totp/activate/")
    secret, counter = client.session[totp.SECRET_SESSION_KEY], next(totp.yield_hotp_counters_from_time())
    client.post("/accounts/2fa/totp/activate/", {"code": totp.format_hotp_value(totp.hotp_value(secret, counter))})


def test_second_factors_come_and_go_on_the_record(client, rita):
    sign_in(client, "rita", "rita-password")
    add_second_factor(client)
    client.post("/accounts/2fa/recovery-codes/generate/")
    client.post("/accounts/2fa/totp/deactivate/")

    kinds = [(action.rpartition(".")[2], data["type"]) for action, _, data in said(rita)]
    assert kinds == [
        *[("added", "totp"), ("added", "recovery_codes")],
        *[("removed", "recovery_codes"), ("added", "recovery_codes")],
        *[("removed", "totp"), ("removed", "recovery_codes")],
    ]
    assert len(set(Entry.objects.values_list("act", flat=True))) == 3


def test_failed_log_ins_matter_when_they_lock_out(client, rita):
    for _ in range(4):
        sign_in(client, "rita", "wrong")
    assert not Entry.objects.exists()
    for _ in range(3):
        sign_in(client, "RITA", "wrong")
    assert said(rita) == [("login.locked_out", "log-in", {})]


def test_a_name_that_is_nobodys_is_not_kept(client):
    for _ in range(6):
        sign_in(client, "hunter2-my-password", "x")
    entry = Entry.objects.get()
    assert (entry.action, entry.subject) == ("login.locked_out", "user:unknown")
    assert b"hunter2" not in bytes(entry.body)


def test_a_wrong_second_factor_counts_as_a_failure(client, rita):
    sign_in(client, "rita", "rita-password")
    add_second_factor(client)
    client.post("/accounts/logout/")
    sign_in(client, "rita", "rita-password")
    for _ in range(6):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert [action for action, *_ in said(rita)].count("login.locked_out") == 1


def test_many_failures_in_a_day_matter_however_slow(client, rita, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1000/m/key"}
    for _ in range(MANY_FAILURES):
        sign_in(client, "rita", "wrong")
    assert said(rita) == [("login.failed_often", "log-in", {"failures": MANY_FAILURES})]
