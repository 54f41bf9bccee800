// A server for development, as webpack's and others are made: Express, its compression, and a proxy to the lab.
// node express.mjs 8091 http://127.0.0.1:8080
import compression from "compression";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";

const [port, target] = process.argv.slice(2);
const app = express();
app.use(compression());
app.use(createProxyMiddleware({ target, ws: true }));
const server = app.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
