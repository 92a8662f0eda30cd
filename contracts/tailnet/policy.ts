/**
 * sha256 of the policies in docker/tailnet, as they are shipped; what a control server has is compared with them. One that
 * names people differs, and is to be compared by eye.
 */
export const SHIPPED_POLICY_SHA256: Readonly<Record<"headscale" | "tailscale", string>> = {
  headscale: "3d6d16a170e0ef07c083b541b163335c07e76c16402217921148e13341cde5dc",
  tailscale: "876739785b48164ea8f5736f74c5a4a241c5a56a58701be902aba8d90c3dc5d2",
};
