// Opens pages in headless Chromium and says as JSON what it found: node look.mjs chromium page.html [page.html ...]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [executablePath, ...pages] = process.argv.slice(2);

const tooWide = () => {
  const width = document.documentElement.clientWidth;
  const inside = ".scroll, .skip, .pair-thumbs, .bar-name, svg, .hidden"; // these scroll or cut
  const found = [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > width + 1 && !element.closest(inside))
    .map((element) => `${element.tagName} ${element.className}`);
  return { page: document.documentElement.scrollWidth - width, elements: found.slice(0, 5) };
};

// every cell of every matrix is chosen; what the gallery then shows is counted
const cells = () => [...document.querySelectorAll(".confusion button")].map((button) => {
  button.click();
  const list = document.getElementById(`${button.closest("table").dataset.study}-images`);
  const images = [...list.querySelectorAll(".thumb")];
  return {
    study: button.closest("table").dataset.study,
    cell: button.dataset.cell,
    count: Number(button.querySelector(".n").textContent),
    shown: images.map((image) => Number(image.dataset.number)),
    drawn: images.every((image) => getComputedStyle(image).backgroundImage.startsWith('url("data:image/png')),
    current: document.querySelectorAll(`#${button.closest("table").id} [aria-current=true]`).length,
  };
});

async function behaviour(page) {
  const found = {};
  await page.keyboard.press("Tab");
  found.first_stop = await page.evaluate(() => document.activeElement.textContent);
  const chart = page.locator("figure.lines").first();
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  found.tip = await page.locator("#tip").innerText();
  await chart.blur();
  found.tip_gone = await page.locator("#tip").isHidden();
  const svg = chart.locator("svg");
  const box = await svg.boundingBox();
  await svg.scrollIntoViewIfNeeded();
  await svg.hover({ position: { x: box.width / 2, y: box.height / 2 } });
  found.hovered = await page.locator("#tip").innerText();
  const cell = page.locator(".confusion button").first();
  await cell.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  found.arrow = await page.evaluate(() => document.activeElement.dataset.cell);
  found.stops = await page.locator(".confusion button[tabindex='0']").count();
  await page.keyboard.press("Enter");
  found.opened = await page.locator(".gallery-images").first().getAttribute("data-cell");
  found.title = await page.locator(".gallery h3").first().innerText();
  await page.getByRole("button", { name: "% of the row" }).first().click();
  found.rate = await page.locator(".confusion button").first().innerText();
  found.panels = [];
  for (const tab of await page.locator("[data-tab]").all()) {
    await tab.click();
    found.panels.push(await page.locator(".panel:visible").count());
  }
  const curves = () => page.locator(".series:visible").count();
  found.curves = [await curves()];
  const key = page.locator(".key-item").first();
  if (await key.count()) { await key.click(); found.curves.push(await curves()); await key.click(); }
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  found.grounds = [await ground()];
  await page.locator("#theme").click();
  found.grounds.push(await ground());
  return found;
}

async function accessibility(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  return violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | ")}`);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const report = [];
for (const path of pages) {
  for (const [width, colorScheme] of [[1440, "light"], [390, "dark"], [1440, "dark"], [390, "light"]]) {
    const page = await browser.newPage({ viewport: { width, height: width > 800 ? 900 : 844 }, colorScheme });
    const messages = [], requests = [];
    page.on("console", (message) => messages.push(message.text()));
    page.on("pageerror", (error) => messages.push(String(error)));
    page.on("dialog", (dialog) => { messages.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => { if (!/^(file|data):/.test(request.url())) requests.push(request.url()); });
    await page.goto(pathToFileURL(path).href);
    const first = width === 1440 && colorScheme === "light";
    const found = { path, width, scheme: colorScheme, too_wide: await page.evaluate(tooWide) };
    if (first || (width === 390 && colorScheme === "dark")) found.accessibility = await accessibility(page);
    if (first) found.cells = await page.evaluate(cells);
    if (first) found.behaviour = await behaviour(page);
    report.push({ ...found, messages, requests });
    await page.close();
  }
}
await browser.close();
console.log(JSON.stringify(report));
