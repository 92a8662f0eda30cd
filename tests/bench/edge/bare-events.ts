/** The least server of events: to each who asks, `count` events of `bytes`, one every `everyMs`, and then the end. */

export function bareEvents(request: Request): Response {
  const { searchParams } = new URL(request.url);
  const [count, bytes, everyMs] = ["count", "bytes", "everyMs"].map((name) => Number(searchParams.get(name)));
  const encoder = new TextEncoder();
  const padding = "x".repeat(bytes ?? 0);
  let sent = 0;
  let timer: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(": begun\n\n"));
      timer = setInterval(() => {
        sent += 1;
        controller.enqueue(encoder.encode(`id: ${sent}\ndata: ${JSON.stringify({ sent, padding })}\n\n`));
        if (sent < (count ?? 0)) return;
        clearInterval(timer);
        controller.close();
      }, everyMs);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
