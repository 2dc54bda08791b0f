"""Which threshold a library has."""

import pytest
from pydantic_settings import SettingsError

from bot.settings import BotSettings
from vectorstore.command_line import run


def test_a_library_may_have_a_threshold_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others have the common one; without that, the calibrated one."""
    monkeypatch.setenv("BOT_THRESHOLDS", '{"rules": 0.8, "jokes": 0}')
    settings = BotSettings()
    assert [settings.threshold_of(name) for name in ("rules", "jokes", "default")] == [0.8, 0, None]
    monkeypatch.setenv("BOT_THRESHOLD", "0.4")
    assert [BotSettings().threshold_of(name) for name in ("rules", "default")] == [0.8, 0.4]


@pytest.mark.parametrize("value", ['{"rules": 1.5}', '{"rules": "high"}', "0.8"])
def test_a_threshold_is_a_probability(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """From 0 to 1."""
    monkeypatch.setenv("BOT_THRESHOLDS", value)
    with pytest.raises((ValueError, SettingsError)):
        BotSettings()


def test_a_value_that_is_no_json_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The setting is named, its value is not shown."""
    monkeypatch.setenv("BOT_THRESHOLDS", "{hunter2")
    with pytest.raises(SystemExit):
        run(BotSettings)
    told = capsys.readouterr().err
    assert "thresholds" in told
    assert told.count("\n") == 1
    assert "hunter2" not in told
