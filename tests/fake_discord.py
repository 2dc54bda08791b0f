"""A loopback Discord: REST v10 and the gateway, to which the unmodified discord.py connects.

It keeps what it is sent, applies Discord's limits (2,000 characters, pings by `allowed_mentions`), and can be told
to fail. Fields and quirks: the fewest that discord.py 2.7 accepts.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import discord
import yarl
from aiohttp import WSMsgType, web

Payload = dict[str, Any]
APP, BOT, GUILD, CHANNEL, DM = "1000", "1000", "2000", "3000", "3500"
OTHER_GUILD = "2001"
STAFF, FORUM, MODS = "7000", "3100", "3200"
TAGS = {"8000": "Unanswered"} | {f"800{i}": f"Topic {i}" for i in range(1, 6)}  # of the forum
RESET = web.Response()
"""A fault that breaks the connection off instead of answering."""


@dataclasses.dataclass(frozen=True)
class After:
    """A fault that comes when the request has had its effect."""

    fault: web.Response


_EPOCH = 1420070400000
_ids = itertools.count((int(time.time() * 1000) - _EPOCH) << 22)


def snowflake() -> str:
    """A new id, later than all before."""
    return str(next(_ids))


def user(id_: str, *, name: str = "ann", bot: bool = False) -> Payload:
    """A user as Discord sends one."""
    return {
        "id": id_,
        "username": name,
        "discriminator": "0",
        "avatar": None,
        "global_name": name,
        "bot": bot,
    }


def role(id_: str, permissions: discord.Permissions) -> Payload:
    """A role; the one with the server's own id is everybody's."""
    return {
        "id": id_,
        "name": "@everyone",
        "permissions": str(permissions.value),
        "position": 0,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
    }


def thread(id_: str, *, parent: str, name: str = "Ferry in spring", **more: Any) -> Payload:
    """A thread that a member began."""
    state = {
        "archived": False,
        "auto_archive_duration": 1440,
        "archive_timestamp": "2026-01-01T00:00:00+00:00",
    }
    return {
        "id": id_, "type": 11, "guild_id": GUILD, "parent_id": parent, "owner_id": "5000", "name": name, "message_count": 0,
        "member_count": 1, "thread_metadata": state, **more,
    }  # fmt: skip


class FakeDiscord:
    """The server; `requests` has all that came in, `messages` what stands in each channel."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Payload]] = []
        self.messages: dict[str, dict[str, Payload]] = {}
        self.pinged: list[str] = []
        self.identified = 0
        self.resumed = 0
        self.fault: Callable[[str, str], web.Response | After | None] = lambda _method, _path: None
        self.answers: dict[str, Payload] = {}  # interaction token -> message
        self.callbacks: dict[str, Payload] = {}  # interaction id -> callback
        self._flags: dict[str, int] = {}  # interaction token -> of its callback
        self.files: dict[str, bytes] = {}  # what the CDN has
        self.intents = 0  # that the client asked for
        self.tags: dict[str, list[str]] = {}  # that the bot has put on posts
        self.refuse_with = 0  # close code for whoever identifies
        self.permissions = "0"  # of the bot, in interactions
        self.beat = 41250  # milliseconds between two heartbeats
        self.deaf = False  # whether heartbeats go unacknowledged
        self._sockets: list[web.WebSocketResponse] = []
        self._sequence = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.port = 0

    # ---- life

    async def start(self, port: int = 0) -> None:
        """Listen, and point discord.py at it."""
        app = web.Application()
        app.router.add_get("/", self._gateway)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        app.router.add_get("/cdn/{name}", self._cdn)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        discord.http.Route.BASE = f"http://127.0.0.1:{self.port}/api/v10"
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.url)

    @property
    def url(self) -> str:
        """Of the gateway."""
        return f"ws://127.0.0.1:{self.port}/"

    async def stop(self) -> None:
        """Hang up."""
        for socket in self._sockets:
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait_for(self, what: Callable[[], Any], seconds: float = 10) -> Any:
        """What `what` gives once it gives something; it is asked after every request, and now and then."""

        async def waiting() -> Any:
            async with self._changed:
                while not (found := what()):
                    with contextlib.suppress(TimeoutError):  # not all that is waited for is a request
                        await asyncio.wait_for(self._changed.wait(), 0.1)
                return found

        return await asyncio.wait_for(waiting(), seconds)

    # ---- what members do

    async def dispatch(self, event: str, data: Payload) -> None:
        """An event to every connected client."""
        self._sequence += 1
        frame = {"op": 0, "t": event, "s": self._sequence, "d": data}
        for socket in [s for s in self._sockets if not s.closed]:
            await socket.send_str(json.dumps(frame))

    async def send_op(self, op: int, data: Any = None) -> None:
        """A bare gateway operation: 7 reconnect, 9 invalid session."""
        for socket in [s for s in self._sockets if not s.closed]:
            await socket.send_str(json.dumps({"op": op, "d": data, "t": None, "s": None}))

    async def send_text(self, text: str) -> None:
        """A frame that need not be what the protocol allows."""
        for socket in [s for s in self._sockets if not s.closed]:
            await socket.send_str(text)

    async def drop(self, code: int = 1006) -> None:
        """Close every gateway connection."""
        for socket in list(self._sockets):
            await socket.close(code=code)

    def message(
        self,
        content: str,
        *,
        author: str = "5000",
        channel: str = CHANNEL,
        mention: bool = False,
        reply_to: str | None = None,
        roles: tuple[str, ...] = (),
    ) -> Payload:
        """A message of a member, stored; give it to `say`."""
        data: Payload = {
            "id": snowflake(), "channel_id": channel, "author": user(author), "content": content, "type": 19 if reply_to else 0,
            "mentions": [user(BOT, name="footnote", bot=True)] if mention else [], "mention_roles": [], "mention_everyone": False,
            "attachments": [], "embeds": [], "pinned": False, "tts": False, "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None,
        }  # fmt: skip
        if channel != DM:
            data |= {
                "guild_id": GUILD,
                "member": {"user": user(author), "roles": list(roles), "flags": 0, "joined_at": None},
            }
        if reply_to:
            data["message_reference"] = {"message_id": reply_to, "channel_id": channel}
        self.messages.setdefault(channel, {})[data["id"]] = data
        return data

    async def say(self, content: str, **more: Any) -> Payload:
        """A member writes."""
        data = self.message(content, **more)
        await self.dispatch("MESSAGE_CREATE", self._seen(data))
        return data

    async def slash(
        self, name: str, *, member: str = "5000", channel: str = CHANNEL, guild: str = GUILD, **options: Any
    ) -> Payload:
        """A member runs a slash command; gives the interaction."""
        kinds = {bool: 5, str: 3, int: 4}
        data = {
            "id": snowflake(), "name": name, "type": 1,
            "options": [{"name": key, "type": kinds[type(value)], "value": value} for key, value in options.items()],
        }  # fmt: skip
        return await self.interact(2, data, member=member, channel=channel, guild=guild)

    async def library(
        self,
        verb: str,
        *,
        guild: str = GUILD,
        file: tuple[str, bytes] | None = None,
        typing: str | None = None,
        **options: str,
    ) -> Payload:
        """A member runs /library VERB, with a file or with text; `typing` asks for completions of an article."""
        given: list[Payload] = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        resolved: Payload = {}
        if file is not None:
            id_ = snowflake()
            url = f"http://127.0.0.1:{self.port}/cdn/{id_}"
            self.files[id_] = file[1]
            resolved["attachments"] = {
                id_: {"id": id_, "filename": file[0], "size": len(file[1]), "url": url, "proxy_url": url}
            }
            given.append({"name": "file", "type": 11, "value": id_})
        if typing is not None:
            given.append({"name": "article", "type": 3, "value": typing, "focused": True})
        data = {
            "id": snowflake(),
            "name": "library",
            "type": 1,
            "resolved": resolved,
            "options": [{"name": verb, "type": 1, "options": given}],
        }
        return await self.interact(
            2 if typing is None else 4, data, member="5000", channel=CHANNEL, guild=guild
        )

    async def press(
        self, message: Payload, label: str, *, member: str = "5000", guild: str = GUILD
    ) -> Payload:
        """A member presses a button of a message."""
        buttons = [button for row in message["components"] for button in row["components"]]
        (found,) = [
            b
            for b in buttons
            if label in ((b.get("label") or "") + ((b.get("emoji") or {}).get("name") or ""))
        ]
        data = {"custom_id": found["custom_id"], "component_type": 2}
        return await self.interact(
            3, data, member=member, channel=message["channel_id"], message=message, guild=guild
        )

    async def interact(
        self, type_: int, data: Payload, *, member: str, channel: str, guild: str = GUILD, **more: Any
    ) -> Payload:
        """An interaction of any type."""
        where: Payload = {"id": channel, "type": 1 if channel == DM else 0, "name": "here", "position": 0}
        payload: Payload = {
            "id": snowflake(), "application_id": APP, "type": type_, "token": f"token{snowflake()}", "version": 1,
            "attachment_size_limit": 10_000_000, "data": data, "channel_id": channel, "channel": where, "locale": "en-GB", "entitlements": [],
            "app_permissions": self.permissions, **more,
        }  # fmt: skip
        if channel == DM:
            payload["user"] = user(member)
        else:
            payload |= {
                "guild_id": guild,
                "member": {
                    "user": user(member),
                    "roles": [],
                    "flags": 0,
                    "permissions": "0",
                    "joined_at": None,
                },
            }
        await self.dispatch("INTERACTION_CREATE", payload)
        return payload

    async def answer_to(self, interaction: Payload, seconds: float = 10) -> Payload:
        """The message with which an interaction was answered in the end."""
        found: Payload = await self.wait_for(lambda: self.answers.get(interaction["token"]), seconds)
        return found

    def of_bot(self, channel: str = CHANNEL) -> list[Payload]:
        """The bot's messages in a channel, in order."""
        return [m for m in self.messages.get(channel, {}).values() if m["author"]["id"] == BOT]

    def _seen(self, message: Payload) -> Payload:
        """A message as the bot gets it, with the one that it replies to."""
        reference = message.get("message_reference")
        if reference is None:
            return self._blanked(message)
        before = self.messages[message["channel_id"]].get(reference["message_id"])
        return {**self._blanked(message), "referenced_message": before and self._blanked(before)}

    def _blanked(self, message: Payload) -> Payload:
        """Without the intent, what neither mentions the bot nor comes from it has no text."""
        meant = message["mentions"] or message["channel_id"] == DM or message["author"]["id"] == BOT
        return message if meant or self.intents & (1 << 15) else {**message, "content": ""}

    # ---- REST

    async def _rest(self, request: web.Request) -> web.Response:
        path = unquote(request.match_info["path"])
        body = await _body(request)
        self.requests.append((request.method, path, body))
        try:
            failed = self.fault(request.method, path)
            if isinstance(failed, After):
                self._answer(request.method, path, body, request)
                failed = failed.fault
            if failed is RESET:
                assert request.transport is not None
                request.transport.abort()
            return failed if failed is not None else self._answer(request.method, path, body, request)
        finally:
            async with self._changed:
                self._changed.notify_all()

    def _answer(self, method: str, path: str, body: Payload, request: web.Request) -> web.Response:
        for pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, f"{method} {path}")
            if match:
                return handler(self, *match.groups(), body=body, request=request)
        return reply({"message": f"the fake has no {method} {path}", "code": 0}, 404)

    async def _cdn(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])

    def _me(self, **_: Any) -> web.Response:
        return reply(user(BOT, name="footnote", bot=True))

    def _application(self, **_: Any) -> web.Response:
        owner = user("9000", name="owner")
        return reply(
            {"id": APP, "name": "Footnote", "icon": None, "description": "", "bot_public": True, "bot_require_code_grant": False,
             "verify_key": "", "owner": owner, "flags": 0, "approximate_guild_count": 1}
        )  # fmt: skip

    def _gateway_bot(self, **_: Any) -> web.Response:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return reply({"url": self.url, "shards": 1, "session_start_limit": limit})

    def _commands(self, *, body: Any, **_: Any) -> web.Response:
        return reply(
            [{"id": snowflake(), "application_id": APP, "description": "", **command} for command in body]
        )

    def _create(self, channel: str, *, body: Payload, **_: Any) -> web.Response:
        nonce = body.get("nonce") if body.get("enforce_nonce") else None
        for message in self.messages.get(channel, {}).values():
            if nonce is not None and message.get("nonce") == nonce:
                return reply(message)
        return self._keep(channel, snowflake(), body)

    def _keep(self, channel: str, id_: str, body: Payload, token: str | None = None) -> web.Response:
        content = body.get("content") or ""
        if len(content) > 2000 or (not content and not body.get("files")):
            return reply({"code": 50035, "message": "Invalid Form Body", "errors": {}}, 400)
        allowed = body.get("allowed_mentions", {"parse": ["everyone", "users", "roles"]}).get("parse", [])
        patterns = {"everyone": r"@everyone|@here", "users": r"<@!?\d+>", "roles": r"<@&\d+>"}
        self.pinged += [found for kind in allowed for found in re.findall(patterns[kind], content)]
        before = self.messages.get(channel, {}).get(id_, {})
        stored = {**_blank(id_, channel), **before, **body, "content": content}
        if "files" in body:
            url = f"http://127.0.0.1:{self.port}/cdn/{id_}"
            known = {"id": id_, "size": 1, "url": url, "proxy_url": url}
            stored["attachments"] = [{**known, "filename": name} for name in body["files"]]
        if reference := stored.get("message_reference"):  # discord.py sends numbers, Discord gives strings
            stored["message_reference"] = {
                key: str(value) for key, value in reference.items() if value is not None
            }
            stored["type"] = 19
        self.messages.setdefault(channel, {})[id_] = stored
        if token:
            self.answers[token] = stored
        return reply(stored)

    def _history(self, channel: str, *, request: web.Request, **_: Any) -> web.Response:
        found = list(self.messages.get(channel, {}).values())
        before, most = request.query.get("before"), int(request.query.get("limit", 50))
        if after := request.query.get("after"):
            later = [self._seen(m) for m in found if int(m["id"]) > int(after)]
            return reply(later[:most][::-1])
        kept = [self._seen(m) for m in found if before is None or int(m["id"]) < int(before)]
        return reply(kept[::-1][:most])

    def _get(self, channel: str, id_: str, **_: Any) -> web.Response:
        found = self.messages.get(channel, {}).get(id_)
        if found is None:
            return reply({"code": 10008, "message": "Unknown Message"}, 404)
        return reply(self._seen(found))

    def _edit(self, channel: str, id_: str, *, body: Payload, **_: Any) -> web.Response:
        before = self.messages.get(channel, {}).get(id_)
        if before is None:
            return reply({"code": 10008, "message": "Unknown Message"}, 404)
        return self._keep(channel, id_, {"content": before["content"], **body})

    def _delete(self, channel: str, id_: str, **_: Any) -> web.Response:
        self.messages.get(channel, {}).pop(id_, None)
        return web.Response(status=204)

    def _typing(self, _channel: str, **_: Any) -> web.Response:
        return web.Response(status=204)

    def _callback(self, id_: str, token: str, *, body: Payload, **_: Any) -> web.Response:
        if id_ in self.callbacks:
            return reply({"code": 40060, "message": "Interaction has already been acknowledged."}, 400)
        self.callbacks[id_] = body
        self._flags[token] = (body.get("data") or {}).get("flags", 0)
        if body["type"] in {4, 7}:  # a message, or the changed message of a button
            stored = {**_blank(snowflake(), CHANNEL), **body["data"]}
            if len(stored.get("content", "")) > 2000:
                return reply({"code": 50035, "message": "Invalid Form Body"}, 400)
            self.answers[token] = stored
        return reply({"interaction": {"id": id_, "type": 2}})

    def _original(self, token: str, *, body: Payload, **_: Any) -> web.Response:
        id_ = self.answers.get(token, {}).get("id") or snowflake()
        return self._keep(CHANNEL, id_, {"flags": self._flags.get(token, 0), **body}, token)

    def _follow_up(self, token: str, *, body: Payload, **_: Any) -> web.Response:
        first = token not in self.answers
        return self._keep(CHANNEL, snowflake(), body, token if first else None)

    def _drop_original(self, token: str, **_: Any) -> web.Response:
        self.answers[token] = {"deleted": True}
        return web.Response(status=204)

    def _dm(self, **_: Any) -> web.Response:
        return reply({"id": DM, "type": 1, "recipients": [user("5000")]})

    def _edit_channel(self, channel: str, *, body: Payload, **_: Any) -> web.Response:
        tags = body["applied_tags"]
        if len(tags) > 5:
            return reply({"code": 50035, "message": "Invalid Form Body"}, 400)
        self.tags[channel] = tags
        return reply(thread(channel, parent=FORUM, applied_tags=tags))

    def _channel(self, channel: str, **_: Any) -> web.Response:
        if channel == DM:
            return reply({"id": DM, "type": 1, "recipients": [user("5000")], "last_message_id": None})
        return reply({"id": channel, "type": 0, "guild_id": GUILD, "name": "here", "position": 0})

    # ---- the gateway

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        if (failed := self.fault("GET", "gateway")) is not None:
            assert isinstance(failed, web.Response)
            return failed
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_str(
            json.dumps({"op": 10, "d": {"heartbeat_interval": self.beat}, "s": None, "t": None})
        )
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            message = json.loads(frame.data)
            if message["op"] == 1:
                if self.deaf:
                    continue
                await socket.send_str(json.dumps({"op": 11, "d": None, "s": None, "t": None}))
            elif message["op"] == 2:
                self.identified += 1
                self.intents = message["d"]["intents"]
                if self.refuse_with:
                    await socket.close(code=self.refuse_with)
                    break
                await self._welcome(socket, message["d"])
            elif message["op"] == 6:
                self.resumed += 1
                await self._event(socket, "RESUMED", {})
            async with self._changed:
                self._changed.notify_all()
        self._sockets.remove(socket)
        return socket

    async def _welcome(self, socket: web.WebSocketResponse, _identify: Payload) -> None:
        ready = {
            "v": 10, "user": user(BOT, name="footnote", bot=True), "guilds": [{"id": GUILD, "unavailable": True}], "session_id": "s1",
            "resume_gateway_url": self.url, "application": {"id": APP, "flags": 0}, "shard": [0, 1],
        }  # fmt: skip
        await self._event(socket, "READY", ready)
        everyone = role(GUILD, discord.Permissions.all() & ~discord.Permissions(administrator=True))
        channels = [
            {"id": CHANNEL, "type": 0, "name": "here", "position": 0, "permission_overwrites": []},
            {
                "id": FORUM,
                "type": 15,
                "name": "help",
                "position": 1,
                "permission_overwrites": [],
                "available_tags": [
                    {"id": id_, "name": name, "moderated": False, "emoji_id": None, "emoji_name": None}
                    for id_, name in TAGS.items()
                ],
            },
        ]
        guild = {
            "id": GUILD, "name": "Guild", "owner_id": "9000", "roles": [everyone, {**everyone, "id": STAFF, "name": "staff", "permissions": "0"}], "channels": channels, "threads": [], "emojis": [], "features": [],
            "members": [{"user": user(BOT, name="footnote", bot=True), "roles": [], "flags": 0, "joined_at": None}], "member_count": 2,
            "system_channel_id": CHANNEL, "presences": [], "voice_states": [], "stickers": [],
        }  # fmt: skip
        await self._event(socket, "GUILD_CREATE", guild)

    async def _event(self, socket: web.WebSocketResponse, name: str, data: Payload) -> None:
        self._sequence += 1
        await socket.send_str(json.dumps({"op": 0, "t": name, "s": self._sequence, "d": data}))


def _blank(id_: str, channel: str) -> Payload:
    """A message of the bot's with nothing in it."""
    return {
        "id": id_, "channel_id": channel, "author": user(BOT, name="footnote", bot=True), "type": 0, "mentions": [], "mention_roles": [],
        "mention_everyone": False, "attachments": [], "embeds": [], "pinned": False, "tts": False,
        "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None,
    }  # fmt: skip


def reply(data: Any, status: int = 200, **headers: str) -> web.Response:
    """JSON with the content type that discord.py insists on."""
    return web.Response(
        body=json.dumps(data).encode(), status=status, headers={"Content-Type": "application/json", **headers}
    )


async def _body(request: web.Request) -> Payload:
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        data: Payload = json.loads(str(form["payload_json"]))
        data["files"] = {
            field.filename: field.file.read().decode()
            for field in form.values()
            if isinstance(field, web.FileField)
        }
        return data
    return await request.json() if request.can_read_body else {}


_ID = r"(\d+)"
_ROUTES: list[tuple[str, Callable[..., web.Response]]] = [
    (r"GET users/@me", FakeDiscord._me),
    (r"GET oauth2/applications/@me", FakeDiscord._application),
    (r"GET gateway/bot", FakeDiscord._gateway_bot),
    (rf"PUT applications/{_ID[1:-1]}/commands", FakeDiscord._commands),
    (rf"POST channels/{_ID}/messages", FakeDiscord._create),
    (rf"GET channels/{_ID}/messages", FakeDiscord._history),
    (rf"GET channels/{_ID}/messages/{_ID}", FakeDiscord._get),
    (rf"PATCH channels/{_ID}/messages/{_ID}", FakeDiscord._edit),
    (rf"DELETE channels/{_ID}/messages/{_ID}", FakeDiscord._delete),
    (rf"POST channels/{_ID}/typing", FakeDiscord._typing),
    (rf"GET channels/{_ID}", FakeDiscord._channel),
    (rf"PATCH channels/{_ID}", FakeDiscord._edit_channel),
    (r"POST users/@me/channels", FakeDiscord._dm),
    (rf"POST interactions/{_ID}/(\w+)/callback", FakeDiscord._callback),
    (rf"PATCH webhooks/{APP}/(\w+)/messages/@original", FakeDiscord._original),
    (rf"DELETE webhooks/{APP}/(\w+)/messages/@original", FakeDiscord._drop_original),
    (rf"POST webhooks/{APP}/(\w+)", FakeDiscord._follow_up),
]
