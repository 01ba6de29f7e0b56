"""Programs that a browser runs to find what somebody could not read on a page."""

FAINT = """() => {
  const channels = (text) => {
    const numbers = text.match(/-?[0-9.]+/g).map(Number);
    return text.startsWith("color(") ? numbers.map((each, at) => (at < 3 ? each * 255 : each)) : numbers;
  };
  const luminance = (color) => color.slice(0, 3)
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.unshift(channels(getComputedStyle(each).backgroundColor));
    }
    return layers.reduce((below, [r, g, b, alpha = 1]) =>
      [r, g, b].map((each, at) => each * alpha + below[at] * (1 - alpha)), [255, 255, 255]);
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!hasText || !element.checkVisibility()) continue;
    const [one, other] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const text = element.textContent.trim().slice(0, 40);
    if (contrast < 4.5) faint.push(`${element.tagName} ${text}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""

"""The texts whose contrast with what is behind them is lower than 4.5, as WCAG asks of small text."""

UNNAMED = """() => [
    ...document.querySelectorAll("input, button, a, img, svg, meter, progress, table th, [tabindex]")]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby")
    || each.labels?.length || each.textContent.trim() || each.getAttribute("alt") === ""))
  .map((each) => each.outerHTML)"""
"""The elements that a screen reader could not name."""

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 100))"""
"""The elements that reach beyond the window."""
