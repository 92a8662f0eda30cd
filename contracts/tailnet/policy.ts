/**
 * sha256 of the policies in docker/tailnet, as they are shipped; what a control server has is compared with them. One that
 * names people differs, and is to be compared by eye.
 */
export const SHIPPED_POLICY_SHA256: Readonly<Record<"headscale" | "tailscale", string>> = {
  headscale: "3f54536819ba2bd485de02187884e9cec590a99055fb736b3ab2b3961a8d9bfb",
  tailscale: "876739785b48164ea8f5736f74c5a4a241c5a56a58701be902aba8d90c3dc5d2",
};
