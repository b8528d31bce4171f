import { ApiError } from "../../http/apiError.ts";

/** The errors of OAuth's endpoints, which have a form of their own. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
type OAuthCode = "invalid_client" | "invalid_grant" | "invalid_request" | "invalid_scope" | "unsupported_grant_type";

export class OAuthError extends ApiError {
  readonly code: OAuthCode;

  constructor(code: OAuthCode, description: string, aftermath: ApiError["aftermath"] = "failed") {
    super(code === "invalid_client" ? 401 : 400, aftermath, { type: "invalid_request_error", message: description });
    this.code = code;
  }
}

/** The body of an error that the caller made, as OAuth writes it. */
export function oauthWireError(error: ApiError): { readonly error: OAuthCode; readonly error_description: string } {
  return { error: codeOf(error), error_description: error.message };
}

function codeOf(error: ApiError): OAuthCode {
  if (error instanceof OAuthError) return error.code;
  if (error.status === 401) return "invalid_client";
  const { code, param } = error.body;
  return param === "grant_type" && code !== "parameter_missing" ? "unsupported_grant_type" : "invalid_request";
}
