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
