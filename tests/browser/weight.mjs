// What the first page weighs, and when its largest part is painted on a slow phone (the throttling that Lighthouse uses for
// mobiles: 1.6 Mbit/s, 150 ms, a processor four times as slow).
export async function firstPage(browser, site) {
  const context = await browser.newContext({ viewport: { width: 375, height: 800 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 150,
    downloadThroughput: 1_600_000 / 8,
    uploadThroughput: 750_000 / 8,
  });
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  let bytes = 0;
  session.on("Network.loadingFinished", (event) => {
    bytes += event.encodedDataLength;
  });
  await page.addInitScript(() => {
    new PerformanceObserver((list) => {
      window.largest = list.getEntries().at(-1).startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
  });
  await page.goto(`${site}/sign-in`, { waitUntil: "networkidle" });
  const largest = await page.evaluate(() => window.largest);
  await context.close();
  return { bytes, largest_contentful_paint_ms: Math.round(largest) };
}
