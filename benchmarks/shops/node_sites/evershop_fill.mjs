// Puts goods.json into an EverShop through its own services. Run in the shop's folder: node evershop_fill.mjs
// Sizes are products of one variant group (S, M, L by attribute); every second model's colours are one group too.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const dist = path.resolve("node_modules/@evershop/evershop/dist");
const load = (file) => import(pathToFileURL(path.join(dist, file)));
const { default: createProduct } = await load("modules/catalog/services/product/createProduct.js");
const { default: createCategory } = await load("modules/catalog/services/category/createCategory.js");
const { default: createAttribute } = await load("modules/catalog/services/attribute/createProductAttribute.js");
const { seedSamplePackage } = await load("bin/seed/seedPackages.js");
const { pool } = await load("lib/postgres/connection.js");

const goods = JSON.parse(fs.readFileSync("goods.json", "utf8"));
const slug = (text) => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
const group = (await pool.query("INSERT INTO attribute_group (group_name) VALUES ('Clothes') RETURNING attribute_group_id")).rows[0].attribute_group_id;

async function attribute(code, values) {
  const options = values.map((option_text) => ({ option_text }));
  const about = { attribute_code: `cloth_${code}`, attribute_name: code[0].toUpperCase() + code.slice(1), type: "select", is_required: 0 };
  await createAttribute({ ...about, display_on_frontend: 1, is_filterable: 1, sort_order: 1, groups: [group], options }, {});
  const made = await pool.query("SELECT attribute_id, attribute_option_id, option_text FROM attribute_option WHERE attribute_code = $1", [`cloth_${code}`]);
  return { id: made.rows[0].attribute_id, of: Object.fromEntries(made.rows.map((row) => [row.option_text, String(row.attribute_option_id)])) };
}

const codes = { colour: await attribute("colour", [...new Set(goods.map((g) => g.colour))]), size: await attribute("size", ["S", "M", "L"]) };
const shipped = await seedSamplePackage();

const categories = new Map();
async function category(names) {
  const key = names.join("/");
  if (!names.length || categories.has(key)) return categories.get(key) ?? null;
  const parent_id = await category(names.slice(0, -1));
  const words = { name: names.at(-1), url_key: `our-${slug(key)}`, meta_title: names.at(-1), status: 1, include_in_nav: 1 };
  const made = await createCategory({ ...words, parent_id, description: [], show_products: 1, position: 1 }, {});
  categories.set(key, made.insertId ?? made.category_id);
  return categories.get(key);
}

const groups = new Map();
async function variants(name, code) {
  if (!groups.has(name)) {
    const sql = "INSERT INTO variant_group (attribute_group_id, attribute_one, visibility) VALUES ($1, $2, TRUE) RETURNING variant_group_id";
    groups.set(name, (await pool.query(sql, [group, codes[code].id])).rows[0].variant_group_id);
  }
  return groups.get(name);
}

function pictures(good) {
  const folder = path.join("media", "catalog", good.sku);
  fs.mkdirSync(folder, { recursive: true });
  return good.pictures.map((file, place) => {
    fs.copyFileSync(file, path.join(folder, `${good.slug}-${place}.jpg`));
    return `/assets/catalog/${good.sku}/${good.slug}-${place}.jpg`;
  });
}

async function add(good, size, price) {
  const end = size ? ` ${size}` : "";
  const colours = !Object.keys(good.sizes).length && Number(good.group.split("-")[1]) % 2 === 0;
  const attributes = [{ attribute_code: "cloth_colour", value: codes.colour.of[good.colour] }];
  if (size) attributes.push({ attribute_code: "cloth_size", value: codes.size.of[size] });
  const text = { id: "p", type: "paragraph", data: { text: good.description } };
  const product = {
    name: good.name + end, sku: good.sku + end.replace(" ", "-"), url_key: slug(good.slug + end), price, qty: good.stock,
    weight: 1, status: 1, visibility: 1, manage_stock: 1, stock_availability: good.purchasable ? 1 : 0, tax_class: null,
    group_id: group, package_id: shipped.package_id, category_id: await category(good.category), attributes,
    images: pictures(good), meta_title: good.name + end, meta_description: good.description, short_description: "",
    description: [{ id: "r", size: 1, columns: [{ id: "c", size: 1, data: { time: 0, version: "2", blocks: [text] } }] }],
  };
  if (size) product.variant_group_id = await variants(good.sku, "size");
  if (colours) product.variant_group_id = await variants(good.group, "colour");
  await createProduct(product, {});
}

// Categories first, until the shop has given each its address: a product's address is made of its category's.
for (const good of goods) await category(good.category);
while (Number((await pool.query("SELECT count(*) FROM event")).rows[0].count)) await new Promise((again) => setTimeout(again, 500));

for (const good of goods) {
  const sizes = Object.entries(good.sizes);
  for (const [size, price] of sizes.length ? sizes : [[null, good.price]]) await add(good, size, price);
}
process.exit(0);
