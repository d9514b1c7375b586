// Tables: sorted by a column, filtered by words, copied or saved as CSV, Markdown or LaTeX.
// The texts are those of table_text.py, of the rows shown and in their order.

const DASH = "\u2013";
const LONG_TABLE = 12;

/** Exact text of a cell: `data-v` where the text shown is rounded, "" for a dash. */
const exact = (cell) => {
  const text = cell.dataset.v ?? cell.textContent.trim();
  return text === DASH ? "" : text;
};

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Numbers by value and before words, words as in a dictionary. */
const compareTexts = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return collator.compare(a, b);
};

/** Rows in the order of a column; equal ones keep their order, dashes come last. */
const sortedRows = (rows, column, sign) => {
  const keyed = rows.map((row) => [exact(row.cells[column]), row]);
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * compareTexts(a, b);
  });
  return keyed.map(([, row]) => row);
};

const addSorting = (table) => {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const next = { none: "ascending", ascending: "descending", descending: "none" };
  const sort = (column) => {
    const order = next[heads[column].getAttribute("aria-sort") ?? "none"];
    for (const head of heads) head.removeAttribute("aria-sort");
    if (order !== "none") heads[column].setAttribute("aria-sort", order);
    const sign = order === "descending" ? -1 : 1;
    body.append(...(order === "none" ? original : sortedRows(original, column, sign)));
  };
  heads.forEach((head, column) => {
    const button = make("button", { type: "button", class: "sort" }, ...head.childNodes);
    if (!head.textContent.trim() && !button.textContent.trim()) {
      button.setAttribute("aria-label", "Sort by the first column");
    }
    button.addEventListener("click", () => sort(column));
    head.replaceChildren(button);
  });
};

/** The rows shown as cells of {text, exact, low, high}, with names and kinds of the columns. */
const readTable = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  const all = [...table.tBodies[0].rows];
  const cell = (td) => ({
    text: td.textContent.trim(),
    exact: exact(td),
    low: td.dataset.low ?? "",
    high: td.dataset.high ?? "",
  });
  return {
    caption: table.caption.textContent,
    note: table.closest(".table").querySelector(".note")?.textContent ?? "",
    names: heads.map((head) => head.textContent),
    numeric: heads.map((head) => head.classList.contains("number")),
    wide: heads.map((_, i) => all.some((row) => "low" in row.cells[i].dataset)),
    rows: all.filter((row) => !row.hidden).map((row) => [...row.cells].map(cell)),
  };
};

const csvText = ({ names, wide, rows }) => {
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = names.flatMap((name, i) => (wide[i] ? [name, `${name} low`, `${name} high`] : [name]));
  const lines = rows.map((row) =>
    row.flatMap((cell, i) => (wide[i] ? [cell.exact, cell.low, cell.high] : [cell.exact])),
  );
  return [head, ...lines].map((line) => `${line.map(quote).join(",")}\n`).join("");
};

const markdownText = ({ caption, note, names, numeric, rows }) => {
  const plain = (text) => text.replace(/\s+/g, " ").replace(/[\\`*_[\]|<>&#~$]/g, "\\$&");
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  const rule = line(numeric.map((number) => (number ? "---:" : ":---")));
  const body = rows.map((row) => line(row.map((cell) => plain(cell.text)))).join("");
  const below = note ? `\n${plain(note)}\n` : "";
  return `**${plain(caption)}**\n\n${line(names.map(plain))}${rule}${body}${below}`;
};

const LATEX = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", $: "\\$", "#": "\\#", _: "\\_",
  "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
  "<": "\\textless{}", ">": "\\textgreater{}", "\u2013": "--", "\u2212": "$-$",
  "\u00b5": "\\textmu{}", "\u00b2": "\\textsuperscript{2}", "\u2264": "$\\leq$",
  "\u2265": "$\\geq$",
};

/** Text that LaTeX prints as it is; hyphens of a number become minus signs. */
const latexPlain = (text, number = false) =>
  [...text.replace(/\s+/g, " ")]
    .map((c) => (number && c === "-" ? "$-$" : (LATEX[c] ?? c)))
    .join("");

const latexText = ({ caption, note, names, numeric, rows }) => {
  const line = (cells) => `${cells.join(" & ")} \\\\\n`;
  const body = rows.map((row) => line(row.map((cell, i) => latexPlain(cell.text, numeric[i]))));
  const below = note ? `\\par\\smallskip{\\footnotesize ${latexPlain(note)}}\n` : "";
  return [
    "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n",
    `\\caption{${latexPlain(caption)}}\n\\label{tab:${slug(caption)}}\n`,
    `\\begin{tabular}{${numeric.map((n) => (n ? "r" : "l")).join("")}}\n\\toprule\n`,
    line(names.map((name) => latexPlain(name))),
    `\\midrule\n${body.join("")}\\bottomrule\n\\end{tabular}\n${below}\\end{table}\n`,
  ].join("");
};

/** A name for a file: letters and digits of `text` in lower case, joined by hyphens. */
const slug = (text) =>
  text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "table";

const FORMATS = [
  { name: "CSV", ending: "csv", type: "text/csv", write: csvText },
  { name: "Markdown", ending: "md", type: "text/markdown", write: markdownText },
  { name: "LaTeX", ending: "tex", type: "application/x-tex", write: latexText },
];

const download = (text, name, type) => {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
};

/** Text to the clipboard, also where the browser has no clipboard for files. */
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { "aria-hidden": "true", class: "quiet" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};

const addExport = (bar, table) => {
  const said = make("span", { role: "status", class: "said" });
  const menu = make("div", { class: "menu" });
  for (const { name, ending, type, write } of FORMATS) {
    const copying = make("button", { type: "button" }, `Copy ${name}`);
    copying.addEventListener("click", async () => {
      const done = await copy(write(readTable(table)));
      said.textContent = done ? `${name} copied` : "the browser did not allow copying";
    });
    const saving = make("button", { type: "button" }, `Save ${name}`);
    saving.addEventListener("click", () => {
      const file = `${slug(table.caption.textContent)}.${ending}`;
      download(write(readTable(table)), file, type);
      said.textContent = `${file} saved`;
    });
    menu.append(copying, saving);
  }
  const label = `Export the table ${table.caption.textContent}`;
  const summary = make("summary", { "aria-label": label }, "Export");
  const details = make("details", { class: "export" }, summary, menu);
  details.addEventListener("toggle", () => {
    if (details.open) said.textContent = "";
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    summary.focus();
  });
  document.addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  menu.append(said);
  bar.append(details);
};

const addFilter = (bar, table) => {
  const rows = [...table.tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const label = `Filter the rows of ${table.caption.textContent}`;
  const input = make("input", { type: "search", placeholder: "Filter rows", "aria-label": label });
  const count = make("span", { role: "status", class: "count" });
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
    });
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
  bar.append(make("span", { class: "filter" }, input, count));
};

for (const holder of document.querySelectorAll(".table")) {
  const table = holder.querySelector("table");
  const bar = holder.querySelector(".bar");
  const rows = table.tBodies[0].rows.length;
  if (rows > 1) addSorting(table);
  if (rows > LONG_TABLE) addFilter(bar, table);
  if (rows) addExport(bar, table);
}
