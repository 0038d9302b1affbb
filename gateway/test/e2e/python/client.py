"""The official Python client against a gateway: uses every feature it has, and prints what it saw as JSON.

client.py URL TOKEN MODE, where MODE is `auto` (Streamable HTTP; the newest revision both speak), `session` (Streamable HTTP
with a session) or `sse` (the SSE transport).
"""

import asyncio
import json
import sys

import mcp_types as types
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

url, token, mode = sys.argv[1:4]
headers = {"Authorization": f"Bearer {token}"}
seen = {"progress": [], "logged": [], "notifications": []}


async def on_progress(progress, total, message):
    seen["progress"].append(progress)


async def on_log(params):
    seen["logged"].append(params.data)


async def on_message(message):
    seen["notifications"].append(getattr(message, "method", type(message).__name__))


async def on_sampling(context, params):
    content = types.TextContent(type="text", text="sampled")
    return types.CreateMessageResult(role="assistant", content=content, model="none")


async def on_elicitation(context, params):
    return types.ElicitResult(action="accept", content={"username": "elicited", "email": "a@example.org"})


async def on_roots(context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///one")])


def text_of(result):
    return "".join(getattr(item, "text", "") for item in result.content)


async def until(condition, act):
    """What is told while a stream is still being opened is lost: so it is asked again."""
    for _ in range(50):
        await act()
        if condition():
            return
        await asyncio.sleep(0.05)


async def run(transport):
    async with Client(
        transport,
        mode="auto" if mode == "auto" else "legacy",
        log_level="debug" if mode == "auto" else None,
        logging_callback=on_log,
        message_handler=on_message,
        sampling_callback=on_sampling,
        elicitation_callback=on_elicitation,
        list_roots_callback=on_roots,
    ) as client:
        seen["version"] = client.protocol_version
        seen["server"] = client.server_info.name
        tools = (await client.list_tools()).tools
        seen["tools"] = len(tools)
        structured = await client.call_tool("everything-structured", {})
        seen["structured"] = structured.structured_content
        resources = (await client.list_resources()).resources
        seen["read"] = len((await client.read_resource(str(resources[0].uri))).contents)
        seen["templates"] = len((await client.list_resource_templates()).resource_templates)
        prompts = (await client.list_prompts()).prompts
        name = next(prompt.name for prompt in prompts if prompt.name.endswith("prompt-with-arguments"))
        seen["prompt"] = len((await client.get_prompt(name, {"arg1": "a", "arg2": "b"})).messages)
        reference = types.PromptReference(type="ref/prompt", name=name)
        completed = await client.complete(reference, {"name": "arg1", "value": "par"})
        seen["completed"] = completed.completion.values
        await client.call_tool("test_tool_with_progress", {}, progress_callback=on_progress)
        failing = await client.call_tool("test_error_handling", {})
        seen["isError"] = failing.is_error
        if mode != "auto":
            await client.send_ping()
            seen["sampled"] = text_of(await client.call_tool("test_sampling", {"prompt": "hello"}))
            seen["elicited"] = text_of(await client.call_tool("test_elicitation", {"message": "who?"}))
            seen["roots"] = text_of(await client.call_tool("list_roots", {}))
            await client.subscribe_resource("test://watched-resource")
            await client.unsubscribe_resource("test://watched-resource")
            await client.set_logging_level("debug")
            await until(lambda: len(seen["logged"]) > 0, lambda: client.call_tool("log_at_debug", {}))


async def main():
    if mode == "sse":
        await run(sse_client(url, headers=headers))
    else:
        async with create_mcp_http_client(headers=headers) as http:
            await run(streamable_http_client(url, http_client=http))
    print(json.dumps(seen))


asyncio.run(main())
