"""What a mirror needs, from both sides' hashes alone."""

from hypothesis import given
from hypothesis import strategies as st

from dreaming.mirror_plan import Known, Step, plan

PATHS = st.sampled_from(["/a", "/b", "/c", "/d"])
HASHES = st.sampled_from(["1", "2", "3"])
SIDE = st.dictionaries(PATHS, HASHES)
KNOWN = st.dictionaries(PATHS, st.builds(Known, HASHES | st.just(""), HASHES | st.just("") | st.none()))


def carried_out(steps: tuple[Step, ...], ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    """The other side after the steps, in their order; paths must be free when they are taken."""
    there = dict(theirs)
    for step in steps:
        if step.action == "drift":
            continue
        assert there.get(step.path, "") == step.expected
        if step.action == "delete":
            del there[step.path]
        elif step.action == "rename":
            assert step.new_path not in there
            there[step.new_path] = there.pop(step.path)
        else:
            there[step.path] = ours[step.path]
    return there


@given(SIDE, SIDE, KNOWN)
def test_its_steps_lead_to_what_we_say_and_leave_what_others_wrote(ours, theirs, known):
    found = plan(ours, theirs, known)

    there = carried_out(found.steps, ours, theirs)

    drifted = {step.path for step in found.steps if step.action == "drift"}
    assert {path: there.get(path) for path in drifted} == {path: theirs.get(path) for path in drifted}
    assert {path: sha for path, sha in there.items() if path not in drifted} == {
        path: sha for path, sha in ours.items() if path not in drifted
    }


@given(SIDE, SIDE)
def test_of_a_new_mirror_nothing_is_taken_away(ours, theirs):
    found = plan(ours, theirs, {})

    assert {step.action for step in found.steps} <= {"create", "drift"}
    assert theirs.items() <= carried_out(found.steps, ours, theirs).items()


@given(SIDE, SIDE)
def test_where_everything_there_was_ours_nothing_is_drift(ours, theirs):
    known = {path: Known(sha) for path, sha in theirs.items()}

    found = plan(ours, theirs, known)

    assert carried_out(found.steps, ours, theirs) == ours


def test_a_text_that_goes_and_comes_elsewhere_is_renamed():
    known = {"/a": Known("1")}

    assert plan({"/b": "1"}, {"/a": "1"}, known).steps == (Step("rename", "/a", "1", "/b"),)
