// From the queue to a recorded verdict: by keys alone, and by forms alone.

// Counts the keys that it takes. The verdict must be there afterwards.
export async function verdictByKeys(page, site, look) {
  let keys = 0;
  const press = async (key) => {
    keys += 1;
    await page.keyboard.press(key);
  };
  await page.goto(`${site}/alerts`);
  await page.waitForSelector("[data-ward-alert]");
  await press("j");
  await press("f");
  await page.waitForURL("**/alerts/*#verdict=false_positive");
  await page.waitForSelector("input[name=verdict]:checked");
  await press("4");
  await press("Enter");
  await page.waitForURL("**?done=judged");
  const text = await page.innerText("main");
  look.expect(text.includes("False: the rule was wrong"), "the verdict by keys is not there");
  look.expect(text.includes("The rule is too broad"), "the reason by keys is not there");
  await look.at(page, "verdict-by-keys");
  return keys;
}

export async function verdictByForms(page, site, look) {
  await page.goto(`${site}/alerts`);
  await page.click(".ward-queue tbody tr:first-child td a");
  await page.click("#verdict-form button");
  await look.shoot(page, "verdict-nothing-chosen");
  look.expect((await page.title()).startsWith("Error: "), "an empty verdict is no error");
  await page.check("#verdict-form input[value=benign]");
  await page.fill("#reason", "Planned work, announced yesterday");
  await page.click("#verdict-form button");
  const text = await page.innerText("main");
  look.expect(text.includes("Planned work, announced yesterday"), "the verdict by forms is not there");
  await look.shoot(page, "verdict-by-forms");
}
