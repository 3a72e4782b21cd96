//! What every page owes to people who use it by keyboard, by screen reader, or in the dark.

use serde_json::{Value, json};

use crate::chromium::Chromium;

/// Demands the structure that every page of the emulator has, and looks at it.
pub async fn inspect(browser: &mut Chromium, name: &str) {
    let found = browser.evaluate(STRUCTURE).await;
    let expected = json!({
        "lang": "en",
        "headings": 1,
        "landmarks": ["BANNER", "MAIN", "CONTENTINFO"],
        "scripts": 0,
        "elsewhere": [],
        "inputs without a label": [],
        "ids twice": [],
        "references to nothing": [],
        "says it is an emulator": true,
    });
    assert_eq!(found, expected, "{name}");
    look(browser, name).await;
}

/// Looks at the page in both colour schemes and keeps a picture of each.
pub async fn look(browser: &mut Chromium, name: &str) {
    for (role, accessible_name) in browser.operable().await {
        assert!(!accessible_name.trim().is_empty(), "{name}: a {role} without a name");
    }
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        let faint = browser.evaluate(CONTRAST).await;
        // WCAG 2.2, 1.4.3: 4.5 to 1.
        assert_eq!(faint, Value::Array(Vec::new()), "{name}, {scheme}: text that can hardly be read");
        browser.screenshot(&format!("{name}-{scheme}")).await;
    }
    browser.prefer("light").await;
}

const STRUCTURE: &str = r#"(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const ids = all("[id]").map((element) => element.id);
    const referring = ["aria-labelledby", "aria-describedby", "for"];
    const references = referring.flatMap((name) =>
        all(`[${name}]`).flatMap((element) => element.getAttribute(name).split(" ")));
    const landmark = { HEADER: "BANNER", MAIN: "MAIN", FOOTER: "CONTENTINFO" };
    return {
        "lang": document.documentElement.lang,
        "headings": all("h1").length,
        "landmarks": [...document.body.children].map((element) => landmark[element.tagName] ?? element.tagName),
        "scripts": all("script, [onclick], [onload], [onsubmit]").length,
        "elsewhere": all("link, img, iframe, object, embed, [src]").map((element) => element.outerHTML),
        "inputs without a label": all("input:not([type=hidden])").filter((input) => !input.labels.length)
            .map((input) => input.outerHTML),
        "ids twice": ids.filter((id, place) => ids.indexOf(id) !== place),
        "references to nothing": references.filter((id) => !ids.includes(id)),
        "says it is an emulator": document.querySelector("header").innerText.includes("Emulator"),
    };
})()"#;

const CONTRAST: &str = r#"(() => {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [red, green, blue] = channels(colour).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const background = (element) => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (channels(colour)[3] !== 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    return [...document.body.querySelectorAll("*")].filter(hasText).map((element) => {
        const [a, b] = [getComputedStyle(element).color, background(element)].map(luminance);
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.innerText];
    }).filter(([ratio]) => ratio < 4.5);
})()"#;
