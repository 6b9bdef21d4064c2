// Walks the console of a running hub as its users do: each person comes in by a one-time link, opens every page that the
// navigation offers, at the width of a desk and of a phone, with and without JavaScript. Every page must fit its width,
// be without violations of axe-core, and put nothing on the console.
//
//   WARD_SITE=http://127.0.0.1:8088 WARD_PEOPLE='[{"name":..., "role":..., "link":...}]' node walk.mjs OUTPUT
import { mkdirSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { Person } from "./person.mjs";
import { Look } from "./look.mjs";
import { verdictByKeys, verdictByForms } from "./verdict.mjs";
import { firstPage } from "./weight.mjs";

const site = process.env.WARD_SITE;
const people = JSON.parse(process.env.WARD_PEOPLE);
const output = process.argv[2];
mkdirSync(output, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const look = new Look(output);
const WIDTHS = [1280, 375];
const MOST_PAGES = 40;

try {
  for (const { name, role, link } of people) {
    const person = new Person(site, name, role, link);
    for (const width of WIDTHS) {
      const context = await browser.newContext({ viewport: { width, height: 900 } });
      const page = await context.newPage();
      look.follow(page, `${role} ${width}`);
      await person.comeIn(page, look);
      await everyPage(page, role, width);
      if (width === 1280 && role === "organisation-lead") {
        look.figures.keys = await verdictByKeys(page, site, look);
      }
      await context.close();
    }
    const plain = await browser.newContext({ viewport: { width: 375, height: 900 }, javaScriptEnabled: false });
    const page = await plain.newPage();
    look.follow(page, `${role} without JavaScript`);
    await person.comeIn(page, look);
    await page.goto(site);
    await look.shoot(page, `${role}-plain-now`);
    if (role === "national-analyst") {
      await verdictByForms(page, site, look);
    }
    await plain.close();
  }
  look.figures.first = await firstPage(browser, site);
} finally {
  await browser.close();
}

// Every page that the navigation offers, and the first thing of each list.
async function everyPage(page, role, width) {
  await page.goto(site);
  const places = await links(page, ".nhsuk-header__navigation-link, .nhsuk-header__account-link");
  const seen = new Set();
  const waiting = ["/", ...places];
  while (waiting.length && seen.size < MOST_PAGES) {
    const path = waiting.shift();
    const kind = path.replace(/[0-9a-f]{16,}|[0-9]+\.[0-9]+/g, "ID").split("?")[0];
    if (seen.has(kind)) {
      continue;
    }
    seen.add(kind);
    const answer = await page.goto(site + path);
    look.expect(answer.status() === 200, `${role}: ${path} answered ${answer.status()}`);
    await look.at(page, `${role}-${width}${kind.replaceAll("/", "-")}`);
    const below = await links(page, "main a[href^='/']");
    waiting.push(...below.filter((to) => !to.startsWith("/hunt/export") && !to.startsWith("/assets/") && !to.includes("#")));
  }
  look.figures.pages = Math.max(look.figures.pages ?? 0, seen.size);
}

async function links(page, selector) {
  return page.$$eval(selector, (all) => all.map((link) => link.getAttribute("href")).filter((href) => href?.startsWith("/")));
}

writeFileSync(`${output}/report.json`, JSON.stringify({ problems: look.problems, figures: look.figures }, null, 2));
console.log(JSON.stringify(look.figures));
for (const problem of look.problems) {
  console.log(`not good: ${problem}`);
}
console.log(`${look.looked} views looked at, ${look.problems.length} problems; pictures in ${output}`);
process.exit(look.problems.length ? 1 : 0);
