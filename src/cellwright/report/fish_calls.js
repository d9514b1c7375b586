// A choice of call beside every cell: what was chosen is kept by the browser and saved as a table,
// which `cellwright fish -o OUT --overrule calls.csv` reads. Totals on the page follow.

const FISH_CALLS = ["normal", "gain", "deletion", "CAC", "not called"];

const addFishCalls = () => {
  const holder = document.querySelector(".fish-totals");
  if (!holder) return;
  const base = JSON.parse(holder.dataset.totals);
  const places = [...document.querySelectorAll(".fish-call")];
  const key = `cellwright-fish-${holder.dataset.key}`;
  let chosen = {};
  try {
    chosen = JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    // A browser that stores nothing for files still saves the table.
  }
  const said = make("p", { role: "status", class: "note" });
  const show = () => {
    const now = { ...base };
    for (const { dataset } of places) {
      const value = chosen[`${dataset.image}|${dataset.cell}`];
      if (!value) continue;
      now[dataset.hand || dataset.call] -= 1;
      now[value] += 1;
    }
    const parts = FISH_CALLS.map((name) => `${now[name]} ${name}`);
    const count = Object.keys(chosen).length;
    said.textContent = `With your choices (${count}): ${parts.join(", ")}.`;
    try {
      localStorage.setItem(key, JSON.stringify(chosen));
    } catch {
      // As above.
    }
  };
  for (const place of places) {
    const { image, cell } = place.dataset;
    const label = `Call of ${image}, cell ${cell}`;
    const select = make("select", { "aria-label": label });
    for (const value of ["", "as found", ...FISH_CALLS]) {
      if (value === "as found" && !place.dataset.hand) continue;
      select.append(make("option", { value }, value || "your call"));
    }
    const name = `${image}|${cell}`;
    select.value = chosen[name] ?? "";
    select.addEventListener("change", () => {
      if (select.value) chosen[name] = select.value;
      else delete chosen[name];
      show();
    });
    place.append(select);
  }
  const saving = make("button", { type: "button" }, "Save calls.csv");
  saving.addEventListener("click", () => {
    const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
    const rows = Object.entries(chosen).map(([name, value]) => {
      const at = name.lastIndexOf("|");
      return `${quoted(name.slice(0, at))},${name.slice(at + 1)},${value}`;
    });
    download(["image,cell,call", ...rows, ""].join("\n"), "calls.csv", "text/csv");
  });
  holder.append(said, saving);
  show();
};

addFishCalls();
