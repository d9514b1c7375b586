// Shared by all parts of the script, and the switch between light and dark.
// The parts are joined into one script that runs at the end of the page; without it the
// page is whole, but its tables cannot be sorted and its pictures open in place.

/** A new element with attributes and children; null children are left out. */
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
};

const root = document.documentElement;
root.classList.add("scripted");

/** The last choice of colours, or null where the browser keeps none for this page. */
const rememberedTheme = () => {
  try {
    return localStorage.getItem("cellwright-theme");
  } catch {
    return null;
  }
};

const setTheme = (theme) => {
  root.dataset.theme = theme;
  try {
    localStorage.setItem("cellwright-theme", theme);
  } catch {
    // A browser that stores nothing for files still shows the colours chosen.
  }
};

const addThemeSwitch = () => {
  const remembered = rememberedTheme();
  const current = ["light", "dark"].includes(remembered) ? remembered : "system";
  root.dataset.theme = current;
  const choices = ["System", "Light", "Dark"].map((name) => {
    const value = name.toLowerCase();
    const input = make("input", { type: "radio", name: "theme", value });
    input.checked = value === current;
    input.addEventListener("change", () => setTheme(value));
    return make("label", {}, input, name);
  });
  const legend = make("legend", { class: "quiet" }, "Colours of the page");
  document.querySelector("header").prepend(make("fieldset", { class: "theme" }, legend, ...choices));
};

addThemeSwitch();
