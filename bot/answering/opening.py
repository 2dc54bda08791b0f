"""From settings to a chat model with its prompt, its check and its budget."""

from bot.answering.budget import Budget, Ledger, Limits
from bot.answering.builtin import BuiltIn
from bot.answering.chat_model import ChatModel, Patience
from bot.answering.generating import Generator, Prices
from bot.answering.support import CitationCheck
from bot.settings import ChatSettings
from prompts import Prompts
from vectorstore.datatypes import UserError


def open_generator(
    settings: ChatSettings, prompts: Prompts, built_in: BuiltIn, ledger: Ledger | None = None
) -> Generator | None:
    """The chat model that the settings name; None without one.

    Raises UserError when it cannot be set up, PromptError when its prompt cannot be used.
    """
    if settings.model is None:
        return None
    costs = settings.daily_cost is not None or settings.daily_cost_per_server is not None
    if costs and not settings.price_in and not settings.price_out:  # everything would be free
        raise UserError("BOT_LLM_DAILY_COST needs prices: set BOT_LLM_PRICE_IN and BOT_LLM_PRICE_OUT")
    limits = Limits(
        tokens=settings.daily_tokens,
        tokens_per_server=settings.daily_tokens_per_server,
        cost=settings.daily_cost,
        cost_per_server=settings.daily_cost_per_server,
    )
    return Generator(
        open_model(settings, settings.model),
        prompts,
        CitationCheck(lambda: built_in.reader),
        prompt=settings.prompt,
        budget=Budget(limits, ledger),
        prices=Prices(settings.price_in, settings.price_out),
    )


def open_model(settings: ChatSettings, name: str) -> ChatModel:
    """`provider:model` with what the settings say beside its name."""
    patience = Patience(settings.first_token_seconds, settings.seconds)
    return ChatModel(name, url=settings.url, options=settings.options, patience=patience)
