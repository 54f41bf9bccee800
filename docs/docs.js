// A button at each block that copies it: of a console its commands, without "$ ".
for (const pre of navigator.clipboard ? document.querySelectorAll("pre") : []) {
  const commands = [...pre.querySelectorAll("b")].map((line) => line.textContent.replace(/^\$ /, ""));
  if (pre.dataset.kind === "console" && commands.length === 0) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(commands.join("\n") || pre.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  const frame = document.createElement("div");
  frame.className = "block";
  pre.replaceWith(frame);
  frame.append(pre, button);
}

// A button at each picture of a step, which runs the step in its place, with the lab's own page. One runs at a time: the
// lab's tabs in one browser do not measure beside each other.
let shown = null;
for (const figure of document.querySelectorAll("figure[data-scene]")) {
  const [scene, step] = figure.dataset.scene.split(".");
  const picture = figure.querySelector("img").parentElement;
  const button = figure.appendChild(document.createElement("button"));
  button.type = "button";
  const frame = document.createElement("iframe");
  frame.title = `Scene ${figure.dataset.scene}, live`;
  const close = () => {
    frame.remove();
    picture.hidden = false;
    button.textContent = `▶ See it live: scene ${figure.dataset.scene}`;
    shown = null;
  };
  close();
  button.addEventListener("click", () => {
    if (frame.isConnected) return close();
    shown?.();
    shown = close;
    picture.hidden = true;
    frame.src = `/#scene=${scene}&step=${step}`;
    figure.prepend(frame);
    button.textContent = "◼ Back to the picture";
  });
}
