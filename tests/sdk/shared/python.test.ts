/** `comfy-sdk` 0.5.0, unmodified, sync and async: the cases in `tests/sdk/python/shared`. */
import { describePython } from "../../support/sdk/describe-python.ts";

await describePython({ title: "the official Python SDK", path: "shared" });
