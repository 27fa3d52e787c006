//! Rust code of the signer's part of the protobuf schema. `protox` compiles it, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = protox::compile(["outcry/v1/signer.proto"], ["../proto"])?;
    tonic_prost_build::configure()
        .build_server(true)
        .build_client(true)
        .compile_fds(files)?;
    println!("cargo:rerun-if-changed=../proto/outcry/v1/signer.proto");
    println!("cargo:rerun-if-changed=../proto/outcry/v1/withdrawal_approval.proto");
    Ok(())
}
