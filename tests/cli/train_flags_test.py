"""Wrong values of unpg train's flags, and what is said of each."""

import hypothesis
import pytest
from absl import flags
from hypothesis import strategies as st

from tests.cli.given import given
from unpg_tf.cli.train.flags import FLAGS

OWN = {name: FLAGS[name] for name in FLAGS}
FLOATS = [name for name, flag in OWN.items() if flag.flag_type() == "float"]


NAMES = {"--head=ArcFace": "arcface", "--loss=MARGIN": "margin"}


def parsed(*arguments):
    """The flags' values after a command line of these."""
    with given(FLAGS):
        FLAGS(["unpg train", *arguments])
        return {name: FLAGS[name].value for name in OWN}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--batch_size=1", "batch_size.*integer >= 2"),
        ("--batch_size=sixty", "--batch_size=sixty.*invalid literal"),
        ("--batch_size=64.5", "--batch_size=64.5"),
        ("--epochs=0", "epochs.*a positive integer"),
        ("--image_size=7", "image_size.*>= 8"),
        ("--embedding_dim=-1", "embedding_dim.*positive"),
        ("--seed=-1", "seed.*non-negative"),
        ("--scale=0", "scale.*>= 1e-06"),
        ("--scale=nan", "--scale=nan: Expected a finite number"),
        ("--scale=inf", "--scale=inf: Expected a finite number"),
        ("--whisker=-0.1", "whisker.*non-negative"),
        ("--whisker=nan", "--whisker=nan: Expected a finite number"),
        ("--margin=-0.1", "margin.*non-negative"),
        ("--learning_rate=-1", "learning_rate.*non-negative"),
        ("--learning_rate=nan", "--learning_rate=nan: Expected a finite"),
        ("--weight_decay=inf", "--weight_decay=inf: Expected a finite"),
        ("--dropout=0.95", "dropout.*range"),
        ("--center_crop=0", "center_crop.*range"),
        ("--flip=1.5", "flip.*range"),
        ("--sample_rate=0", "--sample_rate=0: 0.0 is not above 0.0"),
        ("--sample_rate=nan", "--sample_rate=nan"),
        ("--max_pair_share=0", "--max_pair_share=0: 0.0 is not above 0.0"),
        ("--max_pair_share=1.1", "--max_pair_share=1.1: 1.1 is not above 0.0"),
        ("--head=cosine", "--head=cosine: Expected cosface, arcface"),
        ("--loss=focal", "--loss=focal: Expected unpg, margin"),
        ("--optimizer=adam", "--optimizer=adam: Expected sgd, adamw"),
        ("--schedule=linear", "--schedule=linear: Expected cosine, "),
        ("--strategy=tpu", "--strategy=tpu: Expected none, mirrored"),
        ("--mixed_precision=int8", "--mixed_precision=int8"),
        ("--on_nan=ignore", "--on_nan=ignore: Expected stop, skip"),
        ("--on_bad_image=ignore", "--on_bad_image=ignore"),
        ("--cache=perhaps", "--cache=perhaps"),
        ("--checkpoint_steps=-1", "checkpoint_steps.*non-negative"),
        ("--statistics_steps=-1", "statistics_steps.*non-negative"),
        ("--local_workers=-1", "local_workers.*non-negative"),
        ("--worker_timeout=0", "worker_timeout"),
        ("--devices=0", "devices.*positive"),
        ("--bach_size=64", "Unknown command line flag 'bach_size'.*batch_size"),
    ],
)
def test_a_wrong_value_is_named(argument, message):
    with pytest.raises(flags.Error, match=message):
        parsed(argument)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_no_number_of_a_flag_is_infinite(name, value):
    if name in ("whisker", "max_target_ratio") and value == "inf":
        assert parsed(f"--{name}=inf")[name] == float("inf")
        return
    with pytest.raises(flags.Error, match=name):
        parsed(f"--{name}={value}")


VALUES = st.text(max_size=8) | st.sampled_from(
    ["", "0", "-1", "1e400", "9" * 5000, "None", "a=b=c", "[", "{}", "true"]
)


@hypothesis.settings(deadline=None, derandomize=True, max_examples=300)
@hypothesis.given(st.sampled_from(sorted(OWN)), VALUES)
def test_any_value_is_taken_or_refused_by_name(name, value):
    try:
        taken = parsed(f"--{name}={value}")[name]
    except flags.Error as error:
        assert name in str(error)
    else:
        number = taken if name in FLOATS else 0.0
        assert name == "whisker" or number is None or abs(number) < 1e400


@pytest.mark.parametrize("argument", [*NAMES, "--optimizer=TFA:LAMB"])
def test_names_are_taken_in_upper_and_lower_case(argument):
    name = argument[2:].partition("=")[0]
    assert parsed(argument)[name] == NAMES.get(argument, "tfa:LAMB")
