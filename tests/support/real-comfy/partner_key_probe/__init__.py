"""A node that is given the caller's partner key, as the nodes that need one are: it says its hash, prints it, or fails with it."""
import hashlib


class PartnerKeyProbe:
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"act": (["digest", "print", "raise"],), "mark": ("STRING", {"default": ""})},
            "hidden": {"api_key": "API_KEY_COMFY_ORG"},
        }

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    CATEGORY = "tests"
    OUTPUT_NODE = True

    def run(self, act, mark, api_key=None):
        key = api_key or ""
        if act == "print":
            print(f"the key is {key}", flush=True)
        if act == "raise":
            raise RuntimeError(f"the key is {key}")
        digest = hashlib.sha256(key.encode()).hexdigest()
        return {"ui": {"text": [digest]}, "result": (digest,)}


NODE_CLASS_MAPPINGS = {"PartnerKeyProbe": PartnerKeyProbe}
