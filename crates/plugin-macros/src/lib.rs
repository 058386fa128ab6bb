//! The attribute macro of `copydesk-plugin`; use it from there.

use std::fmt::Write as _;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Ident, ImplItem, ItemImpl, Lit, LitStr, Token};

/// Names a stage and declares what it reads and writes.
///
/// Stands on the `impl Stage for …`:
///
/// ```ignore
/// #[stage(
///     id = "example/caps",                  // owner/name
///     summary = "Words in capital letters", // one line, for `plugin list`
///     requires = ["layer:sentences?"],      // `?`: shown if it is there
///     provides = ["layer:caps"],
///     transient = [],                       // layers that are never written out
///     raw = [],                             // layers that count in the raw text
/// )]
/// impl Stage for Caps {}
/// ```
///
/// `requires` and `provides` name the widest set; `create` may narrow it. An
/// omitted `type Config` means that the stage has no options.
#[proc_macro_attribute]
pub fn stage(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(args.into(), item.into())
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn expand(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let not_an_impl = "`#[stage(…)]` stands on an `impl Stage for …` block";
    let span = item.span();
    let mut block: ItemImpl = syn::parse2(item).map_err(|_| Error::new(span, not_an_impl))?;
    let of_stage = block
        .trait_
        .as_ref()
        .and_then(|of| of.0.segments.last())
        .is_some_and(|segment| segment.ident == "Stage");
    if !of_stage {
        return Err(Error::new_spanned(&block.self_ty, not_an_impl));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &block.generics,
            "a stage is one type: it cannot be generic",
        ));
    }
    let has_config = block
        .items
        .iter()
        .any(|item| matches!(item, ImplItem::Type(ty) if ty.ident == "Config"));
    if !has_config {
        block.items.insert(
            0,
            syn::parse_quote!(
                type Config = ::copydesk_plugin::NoOptions;
            ),
        );
    }

    // The block stays even if the arguments are wrong: without it, the compiler
    // would complain of much that is right.
    let info = match syn::parse2::<StageArgs>(args) {
        Ok(args) => args.info(&block.self_ty),
        Err(error) => error.into_compile_error(),
    };
    Ok(quote! { #block #info })
}

struct StageArgs {
    id: LitStr,
    summary: LitStr,
    requires: Vec<LitStr>,
    provides: Vec<LitStr>,
    transient: Vec<LitStr>,
    raw: Vec<LitStr>,
}

impl StageArgs {
    fn info(&self, stage: &syn::Type) -> TokenStream {
        let Self {
            id,
            summary,
            requires,
            provides,
            transient,
            raw,
        } = self;
        let json = self.json();
        quote! {
            impl ::copydesk_plugin::StageInfo for #stage {
                const ID: &'static str = #id;
                const SUMMARY: &'static str = #summary;
                const REQUIRES: &'static [&'static str] = &[#(#requires),*];
                const PROVIDES: &'static [&'static str] = &[#(#provides),*];
                const TRANSIENT: &'static [&'static str] = &[#(#transient),*];
                const RAW: &'static [&'static str] = &[#(#raw),*];
                const JSON: &'static str = #json;
            }
        }
    }

    /// Members of the stage's object in the metadata section; the version is
    /// added where the package is known.
    fn json(&self) -> String {
        let mut json = String::new();
        let _ = write!(json, "\"id\":{}", json_string(&self.id.value()));
        let _ = write!(json, ",\"summary\":{}", json_string(&self.summary.value()));
        for (key, names) in [
            ("requires", &self.requires),
            ("provides", &self.provides),
            ("transient", &self.transient),
            ("raw", &self.raw),
        ] {
            let names: Vec<_> = names
                .iter()
                .map(|name| json_string(&name.value()))
                .collect();
            let _ = write!(json, ",\"{key}\":[{}]", names.join(","));
        }
        json
    }
}

impl Parse for StageArgs {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut id = None;
        let mut summary = None;
        let (mut requires, mut provides) = (Vec::new(), Vec::new());
        let (mut transient, mut raw) = (Vec::new(), Vec::new());
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if seen.iter().any(|before| key == before) {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            seen.push(key.to_string());
            input.parse::<Token![=]>()?;
            match key.to_string().as_str() {
                "id" => id = Some(stage_id(input)?),
                "summary" => summary = Some(input.parse::<LitStr>()?),
                "requires" => requires = contract_names(input, true)?,
                "provides" => provides = contract_names(input, false)?,
                "transient" => transient = strings(input)?,
                "raw" => raw = strings(input)?,
                _ => {
                    return Err(Error::new(
                        key.span(),
                        format!(
                            "unknown key `{key}`; there are `id`, `summary`, `requires`, \
                             `provides`, `transient`, `raw`"
                        ),
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        for layer in transient.iter().chain(&raw) {
            let wanted = format!("layer:{}", layer.value());
            if !provides.iter().any(|name| name.value() == wanted) {
                return Err(Error::new(
                    layer.span(),
                    format!("`{wanted}` is not in `provides`"),
                ));
            }
        }
        let missing = |what| Error::new(Span::call_site(), what);
        Ok(Self {
            id: id.ok_or_else(|| missing("the stage has no `id = \"owner/name\"`"))?,
            summary: summary
                .ok_or_else(|| missing("the stage has no `summary = \"…\"`, one line for users"))?,
            requires,
            provides,
            transient,
            raw,
        })
    }
}

fn stage_id(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let id: LitStr = input.parse()?;
    let text = id.value();
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    match text.split_once('/') {
        Some((owner, name)) if part(owner) && part(name) => Ok(id),
        _ => Err(Error::new(
            id.span(),
            format!(
                "`{text}` is no stage id: write `owner/name` in lower case, such as `example/caps`"
            ),
        )),
    }
}

fn contract_names(input: ParseStream<'_>, may_be_optional: bool) -> syn::Result<Vec<LitStr>> {
    let names = strings(input)?;
    for name in &names {
        let text = name.value();
        let subject = match text.strip_suffix('?') {
            Some(subject) if may_be_optional => subject,
            Some(_) => {
                return Err(Error::new(
                    name.span(),
                    format!("`{text}`: only what a stage requires can be optional (`?`)"),
                ));
            }
            None => &text,
        };
        if !is_contract_name(subject) {
            return Err(Error::new(
                name.span(),
                format!(
                    "`{text}` is no contract name: write `text`, `layer:NAME`, \
                     `attr:LAYER/NAME` or `meta:NAME`"
                ),
            ));
        }
    }
    Ok(names)
}

fn is_contract_name(subject: &str) -> bool {
    let good = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match subject.split_once(':') {
        None => subject == "text",
        Some(("layer" | "meta", name)) => good(name),
        Some(("attr", name)) => name
            .split_once('/')
            .is_some_and(|(layer, name)| good(layer) && good(name)),
        Some(_) => false,
    }
}

fn strings(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    syn::bracketed!(content in input);
    let items = Punctuated::<Expr, Token![,]>::parse_terminated(&content)?;
    items
        .into_iter()
        .map(|item| match item {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Ok(text),
            other => Err(Error::new(other.span(), "expected a string")),
        })
        .collect()
}

fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
